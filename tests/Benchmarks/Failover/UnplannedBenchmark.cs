using System.Diagnostics;
using System.Globalization;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Benchmarks.Scale;
using AzureIaaS.Benchmarks.Shells;
using AzureIaaS.Guests.Testing;
using AzureIaaS.Imports;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Processes;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Benchmarks.Failover;

/// <summary>A machine's process is killed, and the fabric's watcher brings the machine back by itself; beside a plain boot of the same guest by hand.</summary>
internal sealed class UnplannedBenchmark : Benchmark
{
    private const long Memory = 128L << 20;
    private const double TicksPerSecond = 100;   // USER_HZ on every Linux
    private const string Peer = "plain cold boot";
    private static readonly TimeSpan MostToDetect = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan MostOverBoot = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(2);

    public override string Name => "unplanned";

    public override string Description => "a killed machine comes back by itself: from its death to its next process, and to its guest";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var folder = workshop.EmptyFolder("unplanned");
        var fabric = new BenchFabric(folder, HypervisorKind.Qemu);
        using var session = fabric.Open();
        var image = Path.Combine(folder, "guest.raw");
        var rows = new List<Row>();
        BootSectorGuest.Create(image);
        rows.AddRange(await CompareAsync(workshop, workshop.Rounds, session, image, "a boot sector"));
        await LinuxGuest.CreateAsync(image, LinuxGuestKind.Bios);
        rows.AddRange(await CompareAsync(workshop, (workshop.Rounds + 1) / 2, session, image, "a Linux"));
        return rows;
    }

    private async Task<IEnumerable<Row>> CompareAsync(Workshop workshop, int rounds, IaaSSession session, string image, string guest)
    {
        Workshop.Say($"killing {guest}");
        var name = guest.Replace(' ', '-');
        var machine = await session.Imports.ImportAsync(new ImportRequest { Path = image, Name = name, Memory = Memory }, Silence.Instance, CancellationToken.None);
        var files = new FabricLayout(session.Context.Path).Machine(machine.Id);
        var console = new GuestConsole(files.Console);
        var lines = new CommandLines();
        await session.Provider.StartAsync(machine.Id, new StartOptions(), lines, CancellationToken.None);
        await StopAsync(session, machine);

        var detected = new List<TimeSpan>();
        using var watcher = await IdleWatcher.StartAsync();
        var times = await new Contest(rounds, countOthers: false).HoldAsync(
            new Contestant(Peer, () => BootAsync(lines.Last, files, console)),
            new Contestant(guest, async () =>
            {
                var (detection, back) = await KillAsync(session, machine, console);
                detected.Add(detection);
                return back;
            }));
        var isDisturbed = times.IsDisturbed;
        var (detection, most) = (Statistics.Median(detected.Skip(1)), times[Peer] + MostOverBoot);
        return
        [
            new Row(Name, $"{guest}: from the process's death to the next one's start", Row.Time(detection), "", Row.Time(detection), Target.Below(detection, MostToDetect)) { IsDisturbed = isDisturbed },
            new Row(Name, $"{guest}: until it is up again (RTO)", Row.Time(times[guest]), $"{Peer} {Row.Time(times[Peer])}", Row.Difference(times[guest] - times[Peer]), new Target($"< {Peer} + 1 s", times[guest] < most)) { IsDisturbed = isDisturbed },
        ];
    }

    private static async Task<TimeSpan> BootAsync(string line, MachineFiles files, GuestConsole console)
    {
        Directory.CreateDirectory(files.Run);
        foreach (var stale in Directory.EnumerateFiles(files.Run))
            File.Delete(stale);
        var (from, start) = (console.End, Stopwatch.GetTimestamp());
        using var qemu = await HandStarted.StartAsync(line, files.CommandMonitor);
        await console.WaitUntilUpAsync(from);
        return Stopwatch.GetElapsedTime(start);
    }

    /// <summary>Starts the machine, kills its process when it is up, and waits until its guest is up again.</summary>
    private static async Task<(TimeSpan Detection, TimeSpan Back)> KillAsync(IaaSSession session, VirtualMachine machine, GuestConsole console)
    {
        var before = console.End;
        await session.Provider.StartAsync(machine.Id, new StartOptions(), Silence.Instance, CancellationToken.None);
        await console.WaitUntilUpAsync(before);
        while (session.Store.Machines.Find(machine.Id)!.Machine.BootVerified is false)
            await Task.Delay(LookEvery);
        var old = ProcessOf(session, machine)!;
        using var process = Process.GetProcessById(old.Id);
        var (from, start, died) = (console.End, Stopwatch.GetTimestamp(), UpTime());
        process.Kill();
        ProcessIdentity? next;
        while ((next = ProcessOf(session, machine)) is null || next == old)
            await Task.Delay(LookEvery);
        await console.WaitUntilUpAsync(from);
        var back = Stopwatch.GetElapsedTime(start);
        await StopAsync(session, machine);
        return (TimeSpan.FromSeconds((next.StartTime / TicksPerSecond) - died), back);
    }

    private static ProcessIdentity? ProcessOf(IaaSSession session, VirtualMachine machine) => MachineNotes.Of(session.Store.Machines.Find(machine.Id)!).Process;

    /// <summary>The clock by which the kernel says when a process started, in seconds; both are exact to 10 ms.</summary>
    private static double UpTime() => double.Parse(File.ReadAllText("/proc/uptime").Split(' ')[0], CultureInfo.InvariantCulture);

    private static async Task StopAsync(IaaSSession session, VirtualMachine machine) =>
        await session.Provider.StopAsync(machine.Id, new StopOptions { Force = true }, Silence.Instance, CancellationToken.None);
}
