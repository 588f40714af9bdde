using AzureIaaS.Imports;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Sessions;

/// <summary>An open context: the one object from which a front end reaches everything. Dispose it to close the store.</summary>
public sealed class IaaSSession : IDisposable
{
    private readonly TimeProvider _time;

    private IaaSSession(IaaSContext context, IStateStore store, IVmProvider provider, TimeProvider time)
    {
        _time = time;
        Context = context;
        Store = store;
        Provider = provider;
        Imports = new ImportService(provider, store, time);
    }

    /// <summary>The context.</summary>
    public IaaSContext Context { get; }

    /// <summary>What the context remembers.</summary>
    public IStateStore Store { get; }

    /// <summary>Where its machines live.</summary>
    public IVmProvider Provider { get; }

    /// <summary>Its imports.</summary>
    public ImportService Imports { get; }

    /// <summary>Opens a context.</summary>
    /// <param name="context">The context.</param>
    /// <param name="stores">Opens its store.</param>
    /// <param name="providers">Opens its provider.</param>
    /// <param name="watcher">How a background watcher is started; null where none is wanted.</param>
    /// <param name="time">The clock; null for the system's.</param>
    /// <exception cref="IaaSException">It cannot be opened.</exception>
    public static IaaSSession Open(
        IaaSContext context, IStoreAdapter stores, IProviderAdapter providers, WatcherCommand? watcher = null, TimeProvider? time = null)
    {
        time ??= TimeProvider.System;
        var store = stores.Open(providers.StateFolder(context), durable: context.Hypervisor != HypervisorKind.Simulated);
        try
        {
            return new IaaSSession(context, store, providers.Open(context, store, time, watcher), time);
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>All machines with their true states, each marked with this context's name.</summary>
    /// <param name="cancellation">Stops it.</param>
    public async Task<IReadOnlyList<VirtualMachine>> ListAsync(CancellationToken cancellation)
    {
        var machines = await Provider.ListAsync(cancellation);
        foreach (var machine in machines)
            Mark(machine);
        return machines;
    }

    /// <summary>The machines that a name, a pattern, or an id means.</summary>
    /// <param name="reference">What the user typed.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">There is none; a pattern that matches nothing is no failure.</exception>
    public async Task<IReadOnlyList<VirtualMachine>> ResolveAsync(string reference, CancellationToken cancellation)
    {
        if (NamePattern.Of(reference) is { } pattern)
        {
            var all = await ListAsync(cancellation);
            return [.. all.Where(m => pattern.Matches(m.Name))];
        }

        var id = Guid.TryParse(reference, out var given) ? given
            : Provider is IMachineDirectory directory ? await directory.FindIdAsync(reference, cancellation)
            : Store.Machines.Find(reference)?.Machine.Id;
        var machine = id is { } known ? await Provider.FindAsync(known, cancellation) : null;
        return machine is null ? throw NotFound(reference) : [Mark(machine)];
    }

    /// <summary>Writes this context's name on a machine.</summary>
    /// <param name="machine">The machine.</param>
    public VirtualMachine Mark(VirtualMachine machine)
    {
        machine.Context = Context.Name;
        return machine;
    }

    /// <summary>The operations, oldest first.</summary>
    /// <param name="includeEnded">Whether those that have ended are wanted too.</param>
    public IReadOnlyList<Operation> ListOperations(bool includeEnded) =>
        [.. Store.Sagas.List(includeEnded).Select(Describe)];

    /// <summary>Goes on with an operation that was cut off.</summary>
    /// <param name="id">The operation's id.</param>
    /// <param name="notices">Receives steps and warnings.</param>
    /// <param name="cancellation">Stops it; it can be resumed again.</param>
    /// <returns>The machine it is about; null when that is gone.</returns>
    public async Task<VirtualMachine?> ResumeOperationAsync(Guid id, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (!IsProviders(id, out var owner))
            return Mark(await Imports.ResumeAsync(id, notices, cancellation));
        var vm = Guid.TryParse(Store.Sagas.Find(id)!.Source, out var given) ? given : Guid.Empty;
        await owner.EndOperationAsync(id, undo: false, notices, cancellation);
        return await Provider.FindAsync(vm, cancellation) is { } machine ? Mark(machine) : null;
    }

    /// <summary>Gives an operation up; nothing of it is left. Where there is no way back, it is finished.</summary>
    /// <param name="id">The operation's id.</param>
    /// <param name="notices">Receives steps.</param>
    public Task UndoOperationAsync(Guid id, IProgress<Notice> notices) =>
        IsProviders(id, out var owner) ? owner.EndOperationAsync(id, undo: true, notices, CancellationToken.None) : Imports.UndoAsync(id, notices);

    /// <inheritdoc/>
    public void Dispose()
    {
        Provider.Dispose();
        Store.Dispose();
    }

    private IaaSException NotFound(string reference)
    {
        if (Guid.TryParse(reference, out _) || Store.Sagas.FindReserving(reference) is not { } import)
        {
            return new IaaSException(ErrorKind.NotFound, "VmNotFound", $"There is no machine '{reference}' in context '{Context.Name}'.",
                "Get-IaaSVm shows those there are; -Context names another context.", reference);
        }

        return new IaaSException(ErrorKind.NotFound, "VmNotFound", $"'{reference}' is not a machine yet: its import has not ended.",
            $"Resume-IaaSOperation {import.Id} finishes it.", reference);
    }

    private Operation Describe(SagaRecord record)
    {
        using var free = record.IsOpen ? Store.Locks.TryAcquire(SagaRunner.LockName(record.Id)) : null;
        var events = Store.Sagas.Events(record.Id);
        var operation = OperationDescription.Of(record, events, isRunning: record.IsOpen && free is null, Context.Name);
        if (operation.State == OperationState.Interrupted && events.Count == 0 && ImportService.IsStaged(record))
            operation.State = OperationState.Staged;
        return operation;
    }

    private bool IsProviders(Guid id, out IOperationProvider owner)
    {
        owner = (Provider as IOperationProvider)!;
        return owner is not null && Store.Sagas.Find(id) is { IsOpen: true } record && owner.Owns(record.Kind);
    }
}
