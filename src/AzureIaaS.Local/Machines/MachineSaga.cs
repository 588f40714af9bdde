using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Local.Machines;

/// <summary>What the steps of a machine's saga work on.</summary>
/// <typeparam name="T">The saga's parameters.</typeparam>
/// <param name="Owned">The machine, owned for as long as the saga runs.</param>
/// <param name="Parameters">The parameters.</param>
/// <param name="Services">The fabric.</param>
/// <param name="Notices">Receives progress.</param>
internal sealed record MachineWork<T>(OwnedMachine Owned, T Parameters, LocalServices Services, IProgress<Notice> Notices);

/// <summary>
/// Interruptible work on one machine, done by whoever owns it. The machine's notes name the operation, so whoever owns the machine next finds what
/// was cut off, and finishes or undoes it before anything else.
/// </summary>
internal abstract class MachineSaga
{
    /// <summary>The saga's name in the store.</summary>
    public abstract string Kind { get; }

    /// <summary>Finishes or undoes an operation that was cut off.</summary>
    /// <param name="record">The operation.</param>
    /// <param name="owned">The machine.</param>
    /// <param name="services">The fabric.</param>
    public abstract Task RecoverAsync(SagaRecord record, OwnedMachine owned, LocalServices services);
}

/// <summary>A machine's saga with its parameters.</summary>
/// <typeparam name="T">The parameters.</typeparam>
internal sealed class MachineSaga<T> : MachineSaga
{
    private readonly Saga<MachineWork<T>> _saga;
    private readonly JsonTypeInfo<T> _json;
    private readonly Func<MachineWork<T>, int, Task<bool>> _goesOn;

    /// <summary>Describes the saga.</summary>
    /// <param name="saga">Its steps.</param>
    /// <param name="json">How its parameters are written.</param>
    /// <param name="goesOn">Whether one that was cut off at a step is finished rather than undone.</param>
    public MachineSaga(Saga<MachineWork<T>> saga, JsonTypeInfo<T> json, Func<MachineWork<T>, int, Task<bool>> goesOn)
    {
        _saga = saga;
        _json = json;
        _goesOn = goesOn;
    }

    public override string Kind => _saga.Kind;

    /// <summary>Runs the saga on a machine that is owned. Cancelled, it is undone at once.</summary>
    /// <param name="work">The machine and the parameters.</param>
    /// <param name="steps">Receives the name of each step as it begins.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task RunAsync(MachineWork<T> work, IProgress<string>? steps, CancellationToken cancellation)
    {
        var (owned, services) = (work.Owned, work.Services);
        var operation = Guid.NewGuid();
        var record = new SagaRecord(operation, Kind, _saga.Version, owned.Machine.Name, owned.Machine.Id.ToString("N"), JsonSerializer.Serialize(work.Parameters, _json), services.Time.GetUtcNow());
        using var atWork = services.Store.Locks.TryAcquire(SagaRunner.LockName(operation));
        services.Store.Sagas.Create(record, reserveName: false);
        owned.Write(owned.Notes with { Operation = operation });
        try
        {
            await services.Sagas.RunAsync(_saga, operation, work, steps, cancellation);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            await services.Sagas.UndoAsync(_saga, operation, work, steps);
            Forget(record, work.Owned, services);
            throw;
        }
        catch (IOException e)
        {
            Forget(record, work.Owned, services);
            throw DiskTrouble.Translate(owned.Files.Folder, e, "try again; the machine is as it was before.");
        }
        catch
        {
            Forget(record, work.Owned, services);
            throw;
        }

        Forget(record, work.Owned, services);
    }

    public override async Task RecoverAsync(SagaRecord record, OwnedMachine owned, LocalServices services)
    {
        using var atWork = services.Store.Locks.TryAcquire(SagaRunner.LockName(record.Id));
        var work = new MachineWork<T>(owned, JsonSerializer.Deserialize(record.Parameters, _json)!, services, SilentNotices.Instance);
        var runner = services.Sagas;
        var log = runner.Replay(_saga, record.Id);
        try
        {
            if (log.Phase != SagaPhase.Forward || await _goesOn(work, log.Position))
                await runner.RunAsync(_saga, record.Id, work, null, CancellationToken.None);
            else
                await runner.UndoAsync(_saga, record.Id, work, null);
        }
        catch (IaaSException) when (services.Store.Sagas.Find(record.Id) is { IsOpen: false })
        {
            // It failed when it was taken up again, and is undone: the machine is whole, and its log says why.
        }

        Forget(record, owned, services);
    }

    /// <summary>An operation that is still open stays noted: an undo failed, and must be done before anything else.</summary>
    private static void Forget(SagaRecord record, OwnedMachine owned, LocalServices services)
    {
        if (services.Store.Sagas.Find(record.Id) is not { IsOpen: true } && owned.Notes.Operation == record.Id)
            owned.Write(owned.Notes with { Operation = null });
    }
}

/// <summary>Every saga there is that works on one machine.</summary>
internal static class MachineSagas
{
    private static readonly MachineSaga[] Known =
        [CheckpointSaga.Create, CheckpointSaga.Remove, CheckpointSaga.Restore, SuspendSaga.Definition, MoveSaga.Definition];

    /// <summary>Whether operations of this kind are ended by whoever owns the machine.</summary>
    /// <param name="kind">The kind.</param>
    public static bool Has(string kind) => Array.Exists(Known, s => s.Kind == kind);

    /// <summary>Finishes or undoes what was cut off while it was changing a machine.</summary>
    /// <param name="owned">The machine.</param>
    /// <param name="services">The fabric.</param>
    public static async Task RecoverAsync(OwnedMachine owned, LocalServices services)
    {
        var operation = owned.Notes.Operation!.Value;
        if (services.Store.Sagas.Find(operation) is not { IsOpen: true } record)
        {
            owned.Write(owned.Notes with { Operation = null });
            return;
        }

        var saga = Array.Find(Known, s => s.Kind == record.Kind)
            ?? throw new IaaSException(ErrorKind.NotSupported, "OperationOfOtherVersion", $"{owned.Machine.Name} is in the middle of '{record.Kind}', which this version does not know.",
                "Finish it with the version of AzureIaaS that began it.", owned.Machine.Name);
        await saga.RecoverAsync(record, owned, services);
    }
}
