using System.Globalization;
using AzureIaaS.Benchmarks.Scale;
using AzureIaaS.Benchmarks.Shells;
using AzureIaaS.Guests.Testing;
using AzureIaaS.Imports;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Benchmarks.Failover;

/// <summary>What the watcher takes while nothing happens to twenty running machines.</summary>
internal sealed class WatcherBenchmark : Benchmark
{
    private const int Machines = 20;

    // A runtime goes on compiling what it found hot while it started: in PowerShell 300 ms of work, spread over half a minute.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(40);

    private const long Memory = 32L << 20;
    private const double MostLoad = 0.01;
    private const long MostAsIaas = 100L << 20;
    private const long MostAsPwsh = 150L << 20;

    public override string Name => "watcher";

    public override string Description => "the watcher at rest beside twenty running machines: processor and memory";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var folder = workshop.EmptyFolder("watcher");
        var fabric = new BenchFabric(folder, HypervisorKind.Qemu);
        using var session = fabric.Open();
        var image = Path.Combine(folder, "guest.raw");
        BootSectorGuest.Create(image);
        Workshop.Say($"starting {Machines} machines");
        try
        {
            for (var i = 0; i < Machines; i++)
            {
                var machine = await session.Imports.ImportAsync(new ImportRequest { Path = image, Name = $"vm{i:00}", Memory = Memory }, Silence.Instance, CancellationToken.None);
                await session.Provider.StartAsync(machine.Id, new StartOptions(), Silence.Instance, CancellationToken.None);
            }

            var rows = new List<Row>();
            rows.AddRange(await MeasureAsync(workshop, "iaas fabric watch", [Workshop.Iaas, "fabric", "watch"], MostAsIaas));
            if (WarmShell.Exists)
                rows.AddRange(await MeasureAsync(workshop, "pwsh with Watch-IaaSFabric", ["pwsh", "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", $"Import-Module '{Workshop.Module}'; Watch-IaaSFabric"], MostAsPwsh));
            return rows;
        }
        finally
        {
            foreach (var machine in session.Store.Machines.List())
                await session.Provider.StopAsync(machine.Machine.Id, new StopOptions { Force = true }, Silence.Instance, CancellationToken.None);
        }
    }

    private async Task<IEnumerable<Row>> MeasureAsync(Workshop workshop, string what, IReadOnlyList<string> line, long mostMemory)
    {
        Workshop.Say(what);
        using var watcher = await IdleWatcher.StartAsync(line);
        await Task.Delay(workshop.IsQuick ? TimeSpan.Zero : Settling);
        var load = await watcher.LoadAsync(TimeSpan.FromSeconds(workshop.IsQuick ? 2 : 20));
        var memory = watcher.Process.WorkingSet64;
        var percent = string.Create(CultureInfo.InvariantCulture, $"{load * 100:0.00} % of a core");
        return
        [
            new Row(Name, $"{what}, {Machines} machines run", percent, "", percent, new Target("< 1 % of a core", load < MostLoad)),
            new Row(Name, $"{what}, {Machines} machines run", ByteSize.Format(memory), "", ByteSize.Format(memory), Target.Below(memory, mostMemory)),
        ];
    }
}
