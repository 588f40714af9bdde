using Azure.Core;
using Azure.ResourceManager.Compute;
using Azure.ResourceManager.Compute.Models;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Failover;

namespace AzureIaaS.Azure.Machines;

/// <summary>A machine of ours as it is in Azure.</summary>
/// <param name="Machine">The machine with its true state.</param>
/// <param name="Vm">Its counterpart; null before its first start, when there is nothing of it but disks.</param>
internal sealed record FoundMachine(VirtualMachine Machine, VirtualMachineData? Vm);

/// <summary>
/// Which machines there are. Azure knows, not this computer: a disk that an import has marked is a machine, whatever computer imported it. What
/// this computer remembers only adds to it. A list is four requests, however many machines there are.
/// </summary>
/// <param name="connection">The way to Azure.</param>
/// <param name="disks">The disks.</param>
/// <param name="snapshots">Their snapshots.</param>
/// <param name="store">What this computer remembers.</param>
internal sealed class MachineDirectory(ArmConnection connection, ManagedDisks disks, Snapshots snapshots, IMachineStore store)
{
    private const int MostViewsAtOnce = 8;

    /// <summary>All machines, in the order of their names.</summary>
    /// <param name="cancellation">Stops it.</param>
    public async Task<IReadOnlyList<FoundMachine>> ListAsync(CancellationToken cancellation)
    {
        var (ours, counterparts, views, kept) = (disks.ListAsync(cancellation), ListVmsAsync(cancellation), ListViewsAsync(cancellation), snapshots.ListAsync(cancellation));
        await Task.WhenAll(ours, counterparts, views, kept);
        var known = store.List().ToDictionary(s => s.Machine.Id, s => s.Machine);
        var vms = counterparts.Result;
        var found = new List<FoundMachine>();
        foreach (var group in ours.Result.GroupBy(d => AzureNames.IdIn(d.Tags, AzureNames.VmTag)))
        {
            if (group.Key is not { } id || !group.Any(d => d.Tags.ContainsKey(AzureNames.NameTag)))
                continue;
            var machine = AzureMapping.FromDisks([.. group], known.GetValueOrDefault(id));
            if (machine.RehearsalOf is not null)
                continue;
            vms.TryGetValue(id, out var vm);
            if (vm is not null)
                AzureMapping.Apply(machine, vm, vm.Id is { } full ? views.Result.GetValueOrDefault(full.ToString()) : null);
            found.Add(new FoundMachine(machine, vm));
        }

        var checkpoints = kept.Result.ToLookup(s => AzureNames.IdIn(s.Tags, AzureNames.VmTag));
        foreach (var machine in found.Select(f => f.Machine))
            machine.Checkpoints = Checkpoints.Of(machine, checkpoints[machine.Id]);
        await CompleteAsync(found, cancellation);
        return [.. found.OrderBy(f => f.Machine.Name, StringComparer.OrdinalIgnoreCase)];
    }

    /// <summary>One machine; null when there is none of that id.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<FoundMachine?> FindAsync(Guid id, CancellationToken cancellation)
    {
        var known = store.Find(id)?.Machine;
        var group = known is null ? [] : await DisksOfAsync(known, cancellation);
        if (!group.Exists(d => d.Tags.ContainsKey(AzureNames.NameTag)) || group.Exists(d => d.Tags.ContainsKey(AzureNames.ChangedTag)))
            group = [.. (await disks.ListAsync(cancellation)).Where(d => AzureNames.IdIn(d.Tags, AzureNames.VmTag) == id)];
        if (!group.Exists(d => d.Tags.ContainsKey(AzureNames.NameTag)))
            return null;
        var machine = AzureMapping.FromDisks(group, known);
        var vm = await FindVmAsync(machine, cancellation);
        if (vm is not null)
            AzureMapping.Apply(machine, vm.Data, vm.Data.InstanceView);
        return new FoundMachine(machine, vm?.Data);
    }

    /// <summary>The id of a machine; null when there is none of that name.</summary>
    /// <param name="name">The whole name, in any case of letters.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<Guid?> FindIdAsync(string name, CancellationToken cancellation)
    {
        if (AzureNames.Problem(name) is not null)
            return null;
        var boot = (await disks.FindAsync(AzureNames.Disk(name, "disk0"), cancellation))?.Data;
        if (boot?.Tags.ContainsKey(AzureNames.NameTag) != true)
        {
            // It may go on with other disks than those it was imported on.
            boot = (await disks.ListAsync(cancellation)).Find(d => d.Tags.TryGetValue(AzureNames.NameTag, out var called) && called.Equals(name, StringComparison.OrdinalIgnoreCase));
        }

        return boot is null ? null : AzureNames.IdIn(boot.Tags, AzureNames.VmTag);
    }

    /// <summary>A machine's counterpart with what it is doing; null where there is none.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">There is one of that name, and it is not ours.</exception>
    public async Task<VirtualMachineResource?> FindVmAsync(VirtualMachine machine, CancellationToken cancellation)
    {
        var vm = await Operations.FindAsync(
            () => connection.Group.GetVirtualMachines().GetAsync(machine.Name, InstanceViewType.InstanceView, cancellation), $"Looking for {machine.Name}", cancellation);
        if (vm is null || AzureNames.IdIn(vm.Data.Tags, AzureNames.VmTag) == machine.Id)
            return vm;
        throw new IaaSException(ErrorKind.AlreadyExists, "AzureNameTaken", $"There is a virtual machine called '{machine.Name}' in {connection.Scope.ResourceGroup} already, and it is not this one.",
            "It is left alone. Give this machine another name with -Name, or use another resource group.", machine.Name);
    }

    private async Task<List<ManagedDiskData>> DisksOfAsync(VirtualMachine known, CancellationToken cancellation)
    {
        var found = new List<ManagedDiskData>();
        foreach (var disk in known.Disks)
        {
            if (await disks.FindAsync(new ResourceIdentifier(disk.Path).Name, cancellation) is { } one && AzureNames.IdIn(one.Data.Tags, AzureNames.VmTag) == known.Id)
                found.Add(one.Data);
        }

        return found;
    }

    private Task<Dictionary<Guid, VirtualMachineData>> ListVmsAsync(CancellationToken cancellation) => Operations.GuardAsync(
        async () =>
        {
            var found = new Dictionary<Guid, VirtualMachineData>();
            await foreach (var vm in connection.Group.GetVirtualMachines().GetAllAsync(cancellationToken: cancellation))
            {
                if (AzureNames.IdIn(vm.Data.Tags, AzureNames.VmTag) is { } id)
                    found[id] = vm.Data;
            }

            return found;
        },
        "Listing machines", Quiet.Notices, cancellation);

    /// <summary>What all machines of the subscription are doing. Whoever may only see the group gets nothing here.</summary>
    private Task<Dictionary<string, VirtualMachineInstanceView>> ListViewsAsync(CancellationToken cancellation) => Operations.GuardAsync(
        async () =>
        {
            var found = new Dictionary<string, VirtualMachineInstanceView>(StringComparer.OrdinalIgnoreCase);
            try
            {
                await foreach (var vm in connection.Subscription.GetVirtualMachinesAsync(statusOnly: "true", filter: null, cancellationToken: cancellation))
                {
                    if (vm.Data is { InstanceView: { } view, Id: { } id })
                        found[id.ToString()] = view;
                }
            }
            catch (global::Azure.RequestFailedException e) when (e.Status == 403)
            {
                // Then each is asked for by itself.
            }

            return found;
        },
        "Listing states", Quiet.Notices, cancellation);

    /// <summary>Asks for what the list left out, one by one.</summary>
    private async Task CompleteAsync(IReadOnlyList<FoundMachine> found, CancellationToken cancellation)
    {
        var missing = found.Where(f => f.Vm is not null && f.Machine.State == MachineState.Unknown);
        await Parallel.ForEachAsync(missing, new ParallelOptions { MaxDegreeOfParallelism = MostViewsAtOnce, CancellationToken = cancellation }, async (f, c) =>
        {
            try
            {
                if (await FindVmAsync(f.Machine, c) is { } vm)
                    AzureMapping.Apply(f.Machine, vm.Data, vm.Data.InstanceView);
            }
            catch (IaaSException e)
            {
                f.Machine.StateReason = e.Message;   // a listing shows what is broken, it does not throw
            }
        });
    }
}
