using System.Globalization;
using System.Text.RegularExpressions;
using AzureIaaS.Failover;
using AzureIaaS.Guests.Testing;
using AzureIaaS.Local.Hypervisors.Simulated;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Tests.Sagas;

/// <summary>A saga that is put on trial: what it needs, how it is begun, and how it looks when it is done and when it never was.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Runs">Whether its machine runs when it begins.</param>
/// <param name="Checkpoints">How many checkpoints its machine has before.</param>
/// <param name="Act">Begins it.</param>
/// <param name="Before">The state and the number of checkpoints when it was undone.</param>
/// <param name="After">The same when it was done.</param>
internal sealed record SagaTrial(
    string Name, bool Runs, int Checkpoints, Func<IVmProvider, VirtualMachine, IProgress<Notice>, Task> Act, (MachineState State, int Checkpoints) Before, (MachineState State, int Checkpoints) After)
{
    public static IReadOnlyList<SagaTrial> All { get; } =
    [
        new("checkpoint, running", true, 0, (p, m, n) => Of(p).CreateCheckpointAsync(m.Id, "trial", memory: false, n, CancellationToken.None), (MachineState.Running, 0), (MachineState.Running, 1)),
        new("checkpoint, with memory", true, 1, (p, m, n) => Of(p).CreateCheckpointAsync(m.Id, "trial", memory: true, n, CancellationToken.None), (MachineState.Running, 1), (MachineState.Running, 2)),
        new("checkpoint, stopped", false, 1, (p, m, n) => Of(p).CreateCheckpointAsync(m.Id, "trial", memory: false, n, CancellationToken.None), (MachineState.Deallocated, 1), (MachineState.Deallocated, 2)),
        new("remove, running", true, 2, (p, m, n) => Of(p).RemoveCheckpointAsync(m.Id, m.Checkpoints[0].Id, n, CancellationToken.None), (MachineState.Running, 2), (MachineState.Running, 1)),
        new("remove, stopped", false, 2, (p, m, n) => Of(p).RemoveCheckpointAsync(m.Id, m.Checkpoints[1].Id, n, CancellationToken.None), (MachineState.Deallocated, 2), (MachineState.Deallocated, 1)),
        new("restore", false, 2, (p, m, n) => Of(p).RestoreCheckpointAsync(m.Id, m.Checkpoints[0].Id, n, CancellationToken.None), (MachineState.Deallocated, 2), (MachineState.Deallocated, 2)),
        new("suspend", true, 0, (p, m, n) => ((ISuspendProvider)p).SuspendAsync(m.Id, n, CancellationToken.None), (MachineState.Running, 0), (MachineState.Suspended, 0)),
        new("move", true, 0, (p, m, n) => ((IMoveProvider)p).MoveAsync(m.Id, null, n, CancellationToken.None), (MachineState.Running, 0), (MachineState.Running, 0)),
        new("rehearsal, running", true, 0, RehearseAsync, (MachineState.Running, 0), (MachineState.Running, 0)),
        new("rehearsal, stopped", false, 0, RehearseAsync, (MachineState.Deallocated, 0), (MachineState.Deallocated, 0)),
    ];

    /// <summary>Makes the machine that it works on.</summary>
    public async Task<VirtualMachine> PrepareAsync(TestFabric fabric)
    {
        var machine = await fabric.ImportAsync(options: new BootSectorOptions { WritesEveryTick = true });
        for (var i = 0; i < Checkpoints; i++)
            await Of(fabric.Provider).CreateCheckpointAsync(machine.Id, $"before{i}", memory: false, fabric.Notices, CancellationToken.None);
        if (Runs)
        {
            machine = await fabric.StartAsync(machine);
            if (fabric.Context.Hypervisor == Sessions.HypervisorKind.Qemu)
                await fabric.WaitForLineAsync(machine, "^guest: tick 2");
        }

        return await fabric.LookAsync(machine);
    }

    /// <summary>Whoever comes next: looks at the machine, and clears away what it finds cut off.</summary>
    public static async Task<VirtualMachine> LookAsync(TestFabric fabric, VirtualMachine machine)
    {
        var found = await fabric.LookAsync(machine);
        foreach (var operation in fabric.Session.ListOperations(includeEnded: false))
            await fabric.Session.UndoOperationAsync(operation.Id, fabric.Notices);
        return await fabric.LookAsync(found);
    }

    /// <summary>Everything that holds of a machine that is whole, whatever was done to it; in the end it is used once more, and removed.</summary>
    public async Task AssertWholeAsync(TestFabric fabric, VirtualMachine before, bool? done, string when)
    {
        var machine = await LookAsync(fabric, before);
        Assert.True(fabric.Session.ListOperations(includeEnded: false).Count == 0, $"{when}: an operation is left");
        Assert.True(fabric.Session.Store.Machines.List().Count == 1, $"{when}: a clone is left");
        var outcome = (machine.State, machine.Checkpoints.Count);
        var right = done switch { true => outcome == After, false => outcome == Before, _ => outcome == After || outcome == Before };
        Assert.True(right, $"{when}: it is {machine.State} with {machine.Checkpoints.Count} checkpoints: {machine.StateReason}");

        var notes = MachineNotes.Of(fabric.Session.Store.Machines.Find(machine.Id)!);
        Assert.True(notes is { Operation: null, MovingFromProcess: null }, $"{when}: the notes name work that has ended");
        Assert.True(Processes(fabric) == (machine.State == MachineState.Running ? 1 : 0), $"{when}: {machine.State} with {Processes(fabric)} processes");
        var known = machine.Disks.SelectMany(d => notes.TreeOf(d).Layers).Select(l => l.File)
            .Concat(machine.Checkpoints.Where(c => c.HasMemory).Select(c => fabric.Layout.Machine(machine.Id).Memory(c.Id))).Append(notes.MemoryFile).OfType<string>().Order();
        var there = Directory.EnumerateFiles(fabric.Layout.Machine(machine.Id).Folder).Where(f => Path.GetExtension(f) is ".raw" or ".qcow2" or ".memory").Order();
        Assert.True(known.SequenceEqual(there), $"{when}: files {string.Join(' ', there.Select(Path.GetFileName))}, and known are {string.Join(' ', known.Select(Path.GetFileName))}");
        await AssertUsableAsync(fabric, machine, when);
    }

    private static async Task AssertUsableAsync(TestFabric fabric, VirtualMachine machine, string when)
    {
        var real = fabric.Context.Hypervisor == Sessions.HypervisorKind.Qemu;
        if (machine.State == MachineState.Suspended)
            machine = await fabric.Provider.ResumeAsync(machine.Id, fabric.Notices, CancellationToken.None);
        else if (machine.State == MachineState.Deallocated)
            machine = await fabric.StartAsync(machine);
        Assert.True(machine.State == MachineState.Running, $"{when}: it cannot be used: {machine.State}");
        if (real)
        {
            await fabric.WaitForLineAsync(machine, $"^guest: tick {Ticks(fabric, machine).LastOrDefault(0) + 2}\r?$");
            var ticks = Ticks(fabric, machine);
            Assert.True(ticks.SequenceEqual(Enumerable.Range(ticks[0], ticks.Count)), $"{when}: the guest's ticks are {string.Join(' ', ticks)}");
        }

        foreach (var checkpoint in machine.Checkpoints.Reverse<VmCheckpoint>())
            await Of(fabric.Provider).RemoveCheckpointAsync(machine.Id, checkpoint.Id, fabric.Notices, CancellationToken.None);
        machine = await fabric.StopAsync(machine, force: true);
        Assert.True(machine.Disks[0].Format == "raw", $"{when}: merged, its disk is {machine.Disks[0].Path}");
        if (real)
            Assert.True(BootSectorGuest.ReadWriteCount(machine.Disks[0].Path) >= Ticks(fabric, machine)[^1], $"{when}: an acknowledged write is lost");
        await fabric.Provider.RemoveAsync(machine.Id, force: false, keepDisks: false, fabric.Notices, CancellationToken.None);
        Assert.Empty(TestFabric.Entries(fabric.Layout.Machines));
    }

    /// <summary>The ticks of the guest's last boot, as its console has them.</summary>
    private static List<int> Ticks(TestFabric fabric, VirtualMachine machine)
    {
        var text = File.ReadAllText(fabric.Layout.Machine(machine.Id).Console);
        text = text[Math.Max(0, text.LastIndexOf("guest: boot", StringComparison.Ordinal))..];
        return [.. Regex.Matches(text, @"guest: tick (\d+)\r\n").Select(m => int.Parse(m.Groups[1].Value, CultureInfo.InvariantCulture))];
    }

    private static int Processes(TestFabric fabric)
    {
        if (fabric.Context.Hypervisor == Sessions.HypervisorKind.Qemu)
            return fabric.QemuProcesses().Count;
        var folder = Path.GetDirectoryName(SimulatedHypervisor.StateFile(fabric.Layout.Machine(Guid.Empty)))!;
        return Directory.Exists(folder) ? Directory.EnumerateFiles(folder).Count() : 0;
    }

    private static ICheckpointProvider Of(IVmProvider provider) => (ICheckpointProvider)provider;

    private static Task RehearseAsync(IVmProvider provider, VirtualMachine machine, IProgress<Notice> notices) =>
        ((IFailoverProvider)provider).FailOverAsync(machine.Id, new FailoverOptions { Kind = FailoverKind.Test, Checks = [new ProcessCheck()] }, notices, CancellationToken.None);
}
