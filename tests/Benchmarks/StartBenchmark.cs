using System.Diagnostics;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Benchmarks.Shells;
using AzureIaaS.Guests.Testing;
using AzureIaaS.Imports;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Benchmarks;

/// <summary>What starting a machine adds to what its QEMU takes when the very same command line is started by hand; both until the guest has booted.</summary>
internal sealed class StartBenchmark : Benchmark
{
    private const string Machine = "bench";
    private const string Peer = "QEMU by hand";
    private const string GuestIsUp = "guest: ready";
    private static readonly TimeSpan Most = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan BootsWithin = TimeSpan.FromMinutes(2);

    public override string Name => "start";

    public override string Description => "what starting a machine adds to its QEMU started by hand, until the guest is up";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var folder = workshop.EmptyFolder("start");
        var fabric = new BenchFabric(folder, HypervisorKind.Qemu);
        using var session = fabric.Open();
        var machine = await ImportAsync(session, folder);
        var files = new FabricLayout(session.Context.Path).Machine(machine.Id);
        var line = await CommandLineAsync();
        var byHand = new Contestant(Peer, () => ByHandAsync(line, files));

        using var shell = WarmShell.Exists ? new WarmShell() : null;
        var command = shell is null ? "iaas start" : "Start-IaaSVm in a warm shell";
        async Task<TimeSpan> StartAsync()
        {
            var time = await UntilUpAsync(files, async () =>
            {
                if (shell is null)
                    await BenchFabric.IaasAsync("start", Machine);
                else
                    shell.Run($"Start-IaaSVm {Machine}");
            });
            await StopAsync(session, machine);
            return time;
        }

        Workshop.Say(command);
        var first = await new Contest(Math.Min(3, workshop.Rounds), countOthers: false).HoldAsync(byHand, new Contestant(command, async () =>
        {
            await UntilNobodyWatchesAsync(session);
            return await StartAsync();
        }));
        await UntilNobodyWatchesAsync(session);

        using var watcher = Process.Start(new ProcessStartInfo(Workshop.Iaas, ["fabric", "watch"]))!;
        var further = await new Contest(workshop.Rounds, countOthers: false).HoldAsync(byHand, new Contestant(command, StartAsync));
        watcher.Kill();
        await watcher.WaitForExitAsync();
        return [RowOf($"{command}, the fabric's first", first, command), RowOf($"{command}, beside others", further, command)];
    }

    private static async Task<VirtualMachine> ImportAsync(IaaSSession session, string folder)
    {
        var image = Path.Combine(folder, "guest.raw");
        BootSectorGuest.Create(image);
        var request = new ImportRequest { Path = image, Name = Machine, Memory = 128 << 20 };
        return await session.Imports.ImportAsync(request, Silence.Instance, CancellationToken.None);
    }

    /// <summary>Starts the machine once: the accelerator is then known, and the command line has been shown.</summary>
    private static async Task<string> CommandLineAsync()
    {
        var run = await BenchFabric.IaasAsync("start", Machine, "--verbose");
        await BenchFabric.IaasAsync("stop", Machine, "--force");
        const string Prefix = "iaas: ";
        return run.Error.Split('\n').First(l => l.Contains("-nodefaults", StringComparison.Ordinal))[Prefix.Length..];
    }

    private static async Task<TimeSpan> ByHandAsync(string line, MachineFiles files)
    {
        Directory.CreateDirectory(files.Run);
        foreach (var stale in Directory.EnumerateFiles(files.Run))
            File.Delete(stale);
        HandStarted? qemu = null;
        try
        {
            return await UntilUpAsync(files, async () => qemu = await HandStarted.StartAsync(line, files.CommandMonitor));
        }
        finally
        {
            qemu?.Dispose();
        }
    }

    /// <summary>How long it takes from a command until the guest says that it is up; the command may return before or after that.</summary>
    private static async Task<TimeSpan> UntilUpAsync(MachineFiles files, Func<Task> command)
    {
        File.Delete(files.Console);
        var start = Stopwatch.GetTimestamp();
        var running = Task.Run(command);
        while (!(File.Exists(files.Console) && SaysThatItIsUp(files.Console)))
        {
            if (running.IsFaulted)
                await running;
            if (Stopwatch.GetElapsedTime(start) > BootsWithin)
                throw new InvalidOperationException($"The guest did not say '{GuestIsUp}'.");
            await Task.Delay(LookEvery);
        }

        var time = Stopwatch.GetElapsedTime(start);
        await running;
        return time;
    }

    private static bool SaysThatItIsUp(string console)
    {
        using var reader = new StreamReader(new FileStream(console, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Contains(GuestIsUp, StringComparison.Ordinal);
    }

    private static async Task StopAsync(IaaSSession session, VirtualMachine machine) =>
        await session.Provider.StopAsync(machine.Id, new StopOptions { Force = true }, Silence.Instance, CancellationToken.None);

    /// <summary>The watcher that the last start has begun ends by itself when nothing has run for a while.</summary>
    private static async Task UntilNobodyWatchesAsync(IaaSSession session)
    {
        while (true)
        {
            using var free = session.Store.Locks.TryAcquire(FabricWatcher.LockName);
            if (free is not null)
                return;
            await Task.Delay(TimeSpan.FromMilliseconds(100));
        }
    }

    private Row RowOf(string what, Times times, string ours)
    {
        var added = times[ours] - times[Peer];
        return new Row(Name, what, Row.Time(times[ours]), $"{Peer} {Row.Time(times[Peer])}", Row.Difference(added), Target.Below(added, Most)) { IsDisturbed = times.IsDisturbed };
    }
}
