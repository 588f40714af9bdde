using Azure;
using Azure.Core;
using Azure.ResourceManager.Compute;
using Azure.ResourceManager.Compute.Models;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Networks;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Machines;

/// <summary>
/// Starts, stops and restarts. A machine that has never been started is disks alone, for creating a virtual machine in Azure boots it at once;
/// its first start creates it.
/// </summary>
/// <param name="connection">The way to Azure.</param>
/// <param name="directory">Which machines there are.</param>
/// <param name="adapters">Their network interfaces.</param>
/// <param name="store">What this computer remembers.</param>
internal sealed class MachineRunner(ArmConnection connection, MachineDirectory directory, MachineAdapters adapters, IMachineStore store)
{
    private readonly Operations _operations = new(connection);

    /// <summary>Runs a machine.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting; Azure goes on.</param>
    public async Task StartAsync(Guid id, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var found = await NeededAsync(id, cancellation);
        if (!MayDo(found.Machine, MachineRequest.Start))
            return;
        if (found.Vm is not null)
            await _operations.RunAsync(async () => await Of(found).PowerOnAsync(WaitUntil.Started, cancellation), $"Starting {found.Machine.Name}", notices, cancellation);
        else
            await CreateAsync(found.Machine, notices, cancellation);
        await RememberAsync(found.Machine, cancellation);
    }

    /// <summary>Stops a machine.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="options">How. How long a guest may take is Azure's to say.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting; Azure goes on.</param>
    public async Task StopAsync(Guid id, StopOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var found = await NeededAsync(id, cancellation);
        if (!MayDo(found.Machine, options.Force ? MachineRequest.ForceStop : MachineRequest.Stop) || found.Vm is null)
            return;
        var vm = Of(found);
        if (options.StayProvisioned || options.Force)
        {
            await _operations.RunAsync(
                async () => await vm.PowerOffAsync(WaitUntil.Started, options.Force ? true : null, cancellation), $"Stopping {found.Machine.Name}", notices, cancellation);
        }

        if (!options.StayProvisioned)
            await _operations.RunAsync(async () => await vm.DeallocateAsync(WaitUntil.Started, null, cancellation), $"Deallocating {found.Machine.Name}", notices, cancellation);
    }

    /// <summary>Restarts a machine.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="options">How it is stopped.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting; Azure goes on.</param>
    public async Task RestartAsync(Guid id, StopOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var found = await NeededAsync(id, cancellation);
        if (!MayDo(found.Machine, MachineRequest.Restart) || found.Vm is null)
            return;
        var vm = Of(found);
        if (!options.Force)
        {
            await _operations.RunAsync(async () => await vm.RestartAsync(WaitUntil.Started, cancellation), $"Restarting {found.Machine.Name}", notices, cancellation);
            return;
        }

        await _operations.RunAsync(async () => await vm.PowerOffAsync(WaitUntil.Started, true, cancellation), $"Stopping {found.Machine.Name}", notices, cancellation);
        await _operations.RunAsync(async () => await vm.PowerOnAsync(WaitUntil.Started, cancellation), $"Starting {found.Machine.Name}", notices, cancellation);
    }

    /// <summary>A machine that must be there.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<FoundMachine> NeededAsync(Guid id, CancellationToken cancellation) => await directory.FindAsync(id, cancellation)
        ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", $"There is no machine {id} in {connection.Scope}.", "Get-IaaSVm shows those there are.", id);

    /// <summary>Whether something is to be done about a request.</summary>
    /// <param name="machine">The machine with its true state.</param>
    /// <param name="request">What is asked.</param>
    /// <exception cref="IaaSException">It is refused.</exception>
    public static bool MayDo(VirtualMachine machine, MachineRequest request)
    {
        var decision = MachineLifecycle.Decide(machine.State, request);
        if (decision.Verdict == Verdict.Deny)
            throw new IaaSException(ErrorKind.InvalidState, "VmIs" + machine.State, $"{machine.Name} {decision.Reason}.", decision.Remedy, machine.Name);
        return decision.Verdict == Verdict.Do;
    }

    private VirtualMachineResource Of(FoundMachine found) => connection.Client.GetVirtualMachineResource(found.Vm!.Id);

    private async Task CreateAsync(VirtualMachine machine, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var interfaces = await adapters.EnsureAsync(machine, notices, cancellation);
        if (machine.AvailabilitySet is { Length: > 0 } set)
            await EnsureSetAsync(set, connection.RegionOf(machine), cancellation);
        await _operations.ResultAsync<VirtualMachineResource>(
            async () => await connection.Group.GetVirtualMachines().CreateOrUpdateAsync(
                WaitUntil.Started, machine.Name, AzureMapping.VmFor(machine, connection, interfaces), cancellation),
            $"Creating {machine.Name}", notices, cancellation);
    }

    private Task<bool> EnsureSetAsync(string name, string region, CancellationToken cancellation) => Operations.GuardAsync(
        async () =>
        {
            var sets = connection.Group.GetAvailabilitySets();
            if (await sets.ExistsAsync(name, cancellation))
                return true;
            var data = new AvailabilitySetData(new AzureLocation(region))
            {
                Sku = new ComputeSku { Name = "Aligned" },   // what machines with managed disks need
                PlatformFaultDomainCount = 2,                // what every region has
                PlatformUpdateDomainCount = 5,
            };
            await sets.CreateOrUpdateAsync(WaitUntil.Completed, name, data, cancellation);
            return true;
        },
        $"Creating availability set {name}", Quiet.Notices, cancellation);

    /// <summary>Keeps the addresses for listings, which do not ask for each.</summary>
    private async Task RememberAsync(VirtualMachine machine, CancellationToken cancellation)
    {
        await adapters.DescribeAsync(machine, cancellation);
        if (store.Find(machine.Id) is not { } stored)
            return;
        (stored.Machine.IPAddress, stored.Machine.NetworkAdapters) = (machine.IPAddress, machine.NetworkAdapters);
        try
        {
            store.Update(stored);
        }
        catch (IaaSException e) when (e.Kind is ErrorKind.Busy or ErrorKind.NotFound or ErrorKind.InvalidState)
        {
            // Another shell has written it meanwhile; what it wrote is as good.
        }
    }
}
