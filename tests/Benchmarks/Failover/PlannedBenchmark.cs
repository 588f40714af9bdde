using System.Diagnostics;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Failover;
using AzureIaaS.Guests.Testing;
using AzureIaaS.Imports;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Benchmarks.Failover;

/// <summary>Planned failover of a running Linux beside the same migration by hand; both guests run all the time, and take turns.</summary>
internal sealed class PlannedBenchmark : Benchmark
{
    private const long Memory = 512L << 20;
    private const double MostRatio = 1.5;
    private static readonly TimeSpan MostDowntime = TimeSpan.FromMilliseconds(100);

    public override string Name => "planned";

    public override string Description => "planned failover: how long the guest stands still, and the whole of it, beside bare QMP";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var folder = workshop.EmptyFolder("planned");
        var fabric = new BenchFabric(folder, HypervisorKind.Qemu);
        using var session = fabric.Open();
        var image = Path.Combine(folder, "guest.raw");
        await LinuxGuest.CreateAsync(image, LinuxGuestKind.Bios);
        var layout = new FabricLayout(session.Context.Path);
        var ours = await ImportAsync(session, image, "ours");
        var other = await ImportAsync(session, image, "by-hand");
        Workshop.Say("booting a Linux twice");
        using var byHand = await TakeOverAsync(session, layout, other);
        try
        {
            await StartAsync(session, layout, ours, Silence.Instance);
            await new GuestConsole(layout.Machine(other.Id).Console).WaitUntilUpAsync(0);
            return await CompareAsync(workshop, session, layout, ours, byHand);
        }
        finally
        {
            await StopAsync(session, ours);
        }
    }

    private static async Task<VirtualMachine> ImportAsync(IaaSSession session, string image, string name) =>
        await session.Imports.ImportAsync(new ImportRequest { Path = image, Name = name, Memory = Memory }, Silence.Instance, CancellationToken.None);

    /// <summary>Learns the product's command lines of a machine, stops it there, and boots it by hand.</summary>
    private static async Task<BareMigration> TakeOverAsync(IaaSSession session, FabricLayout layout, VirtualMachine machine)
    {
        var lines = new CommandLines();
        await session.Provider.StartAsync(machine.Id, new StartOptions(), lines, CancellationToken.None);
        var boot = lines.Last;
        var incoming = new string[2];
        foreach (var slot in new[] { 1, 0 })
        {
            await FailOverAsync(session, machine, lines);
            incoming[slot] = lines.Last;
        }

        await StopAsync(session, machine);
        File.Delete(layout.Machine(machine.Id).Console);
        var byHand = new BareMigration(incoming, [layout.Machine(machine.Id, 0), layout.Machine(machine.Id, 1)]);
        await byHand.BootAsync(boot);
        return byHand;
    }

    private async Task<IReadOnlyList<Row>> CompareAsync(Workshop workshop, IaaSSession session, FabricLayout layout, VirtualMachine machine, BareMigration byHand)
    {
        Workshop.Say("moving them by turns");
        var (ours, bare, quiet) = (new List<Moved>(), new List<Moved>(), 0);
        for (var round = -1; round < workshop.Rounds; round++)
        {
            var isQuiet = workshop.IsQuick || await OtherLoad.WaitForQuietAsync();
            Moved mine, theirs;
            if (round % 2 == 0)
                (theirs, mine) = (await byHand.MoveAsync(), await MoveAsync(session, layout, machine));
            else
                (mine, theirs) = (await MoveAsync(session, layout, machine), await byHand.MoveAsync());
            if (round < 0)
                continue;   // the first counts for nothing
            quiet += isQuiet ? 1 : 0;
            ours.Add(mine);
            bare.Add(theirs);
        }

        var isDisturbed = 2 * quiet < workshop.Rounds;
        var (downtime, bareDowntime) = (Statistics.Median(ours.Select(m => m.Downtime)), Statistics.Median(bare.Select(m => m.Downtime)));
        var (total, bareTotal) = (Statistics.Median(ours.Select(m => m.Total)), Statistics.Median(bare.Select(m => m.Total)));
        return
        [
            new Row(Name, "a Linux of 512 MiB stands still", Row.Time(downtime), $"bare QMP {Row.Time(bareDowntime)}", Row.Time(downtime), Target.Below(downtime, MostDowntime)) { IsDisturbed = isDisturbed },
            new Row(Name, "the same as a ratio", Row.Time(downtime), $"bare QMP {Row.Time(bareDowntime)}", Row.Ratio(downtime / bareDowntime), Target.AtMost(downtime / bareDowntime, MostRatio)) { IsDisturbed = isDisturbed },
            new Row(Name, "the whole failover, target's start included", Row.Time(total), $"bare QMP {Row.Time(bareTotal)}", Row.Ratio(total / bareTotal), Target.AtMost(total / bareTotal, MostRatio)) { IsDisturbed = isDisturbed },
        ];
    }

    private static async Task<Moved> MoveAsync(IaaSSession session, FabricLayout layout, VirtualMachine machine)
    {
        var slot = MachineNotes.Of(session.Store.Machines.Find(machine.Id)!).Slot;
        using var source = await BareMonitor.ConnectAsync(layout.Machine(machine.Id, slot).WatchMonitor);
        var other = layout.Machine(machine.Id, 1 - slot);
        Directory.CreateDirectory(other.Run);
        File.Delete(other.WatchMonitor);
        var listening = BareMonitor.ConnectAsync(other.WatchMonitor);
        var start = Stopwatch.GetTimestamp();
        await FailOverAsync(session, machine, Silence.Instance);
        var total = Stopwatch.GetElapsedTime(start);
        using var target = await listening;
        return new Moved(TimeSpan.FromSeconds(await target.TimeOfAsync("RESUME") - await source.TimeOfAsync("STOP")), total);
    }

    private static async Task FailOverAsync(IaaSSession session, VirtualMachine machine, IProgress<Notice> notices)
    {
        var report = await ((IFailoverProvider)session.Provider).FailOverAsync(machine.Id, new FailoverOptions { Kind = FailoverKind.Planned }, notices, CancellationToken.None);
        if (report.Outcome != FailoverOutcome.Succeeded)
            throw new InvalidOperationException($"{machine.Name}: {report.Error}");
    }

    private static async Task StartAsync(IaaSSession session, FabricLayout layout, VirtualMachine machine, IProgress<Notice> notices)
    {
        var console = new GuestConsole(layout.Machine(machine.Id).Console);
        var from = console.End;
        await session.Provider.StartAsync(machine.Id, new StartOptions(), notices, CancellationToken.None);
        await console.WaitUntilUpAsync(from);
    }

    private static async Task StopAsync(IaaSSession session, VirtualMachine machine) =>
        await session.Provider.StopAsync(machine.Id, new StopOptions { Force = true }, Silence.Instance, CancellationToken.None);
}
