using System.Diagnostics;
using System.Globalization;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Benchmarks.Shells;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;
using AzureIaaS.Store;

namespace AzureIaaS.Benchmarks.Scale;

/// <summary>Ten thousand simulated machines on five hundred hosts: started, listed, and brought back when a host or a fault domain is lost.</summary>
internal sealed class ScaleBenchmark : Benchmark
{
    private const long MostStored = 100L << 20;
    private static readonly TimeSpan MostForHealing = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan MostForListing = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan HealsWithin = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(20);

    public override string Name => "scale";

    public override string Description => "ten thousand simulated machines: placed, listed, and healed when a host or a fault domain is lost";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var farm = workshop.IsQuick ? new SimulatedFarm(25, 200) : new SimulatedFarm(500, 10_000);
        var size = string.Create(CultureInfo.InvariantCulture, $"{farm.Machines:N0} machines on {farm.Hosts} hosts");
        var folder = workshop.EmptyFolder("scale");
        var fabric = new BenchFabric(folder, HypervisorKind.Simulated);
        using var session = fabric.Open();
        Workshop.Say($"making {size}");
        farm.Create(session);
        var rows = new List<Row> { await PlaceAsync(session, size) };
        rows.AddRange(await ListAsync(workshop, size));
        using (var watcher = await IdleWatcher.StartAsync())
        {
            rows.Add(await LoseAsync(session, size, "a host", h => h.Name == "h000"));
            rows.Add(await LoseAsync(session, size, "a fault domain", h => h.FaultDomain == 1));
        }

        var stored = Directory.EnumerateFiles(session.Context.Path, StoreAdapter.DatabaseName + "*").Sum(f => new FileInfo(f).Length);
        rows.Add(new Row(Name, $"{size}, after that: the store", ByteSize.Format(stored), "", ByteSize.Format(stored), Target.Below(stored, MostStored)));
        session.Dispose();
        Directory.Delete(folder, recursive: true);
        return rows;
    }

    private async Task<Row> PlaceAsync(IaaSSession session, string size)
    {
        var isQuiet = await OtherLoad.WaitForQuietAsync();
        Workshop.Say($"starting {size}");
        var start = Stopwatch.GetTimestamp();
        await SimulatedFarm.StartAsync(session);
        var time = Stopwatch.GetElapsedTime(start);
        return new Row(Name, $"{size}: all placed and started", Row.Time(time), "", Row.Time(time), Target.Below(time, MostForHealing)) { IsDisturbed = !isQuiet };
    }

    private async Task<IEnumerable<Row>> ListAsync(Workshop workshop, string size)
    {
        var rows = new List<Row>();
        if (WarmShell.Exists)
        {
            Workshop.Say($"listing {size}");
            using var shell = new WarmShell();
            rows.Add(await ListAsync(workshop, $"{size}, all running: Get-IaaSVm in a warm shell", () => Task.FromResult(shell.Run("Get-IaaSVm"))));
        }

        rows.Add(await ListAsync(workshop, $"{size}, all running: iaas list, whole process", async () => (await BenchFabric.IaasAsync("list")).Elapsed));
        return rows;
    }

    private async Task<Row> ListAsync(Workshop workshop, string what, Func<Task<TimeSpan>> list)
    {
        var times = await new Contest(workshop.Rounds, countOthers: false).HoldAsync(new Contestant(what, list));
        return new Row(Name, what, Row.Time(times[what]), "", Row.Time(times[what]), Target.Below(times[what], MostForListing)) { IsDisturbed = times.IsDisturbed };
    }

    /// <summary>Loses hosts, and waits until another process, the watcher, has brought back every machine that was on them.</summary>
    private async Task<Row> LoseAsync(IaaSSession session, string size, string what, Func<FabricHost, bool> isLost)
    {
        var lost = ((IHostProvider)session.Provider).ListHosts().Where(isLost).Select(h => h.Name).ToHashSet(StringComparer.OrdinalIgnoreCase);
        var ids = new Queue<Guid>(session.Store.Machines.List().Where(m => m.Machine.Host is { } host && lost.Contains(host)).Select(m => m.Machine.Id));
        var count = ids.Count;
        var isQuiet = await OtherLoad.WaitForQuietAsync();
        Workshop.Say($"losing {what} with {count:N0} machines");
        var start = Stopwatch.GetTimestamp();
        await ((IHostProvider)session.Provider).LoseHostsAsync([.. lost], Silence.Instance, CancellationToken.None);
        var fenced = Stopwatch.GetElapsedTime(start);
        while (ids.TryPeek(out var id))
        {
            if (session.Store.Machines.Find(id)!.Machine is { State: MachineState.Running, Host: { } host } && !lost.Contains(host))
                ids.Dequeue();
            else if (Stopwatch.GetElapsedTime(start) > HealsWithin)
                throw new InvalidOperationException($"{ids.Count} machines were not brought back within {HealsWithin.TotalSeconds:0} s.");
            else
                await Task.Delay(LookEvery);
        }

        var time = Stopwatch.GetElapsedTime(start);
        return new Row(Name, string.Create(CultureInfo.InvariantCulture, $"{size}: {what} lost, all {count:N0} machines healed elsewhere"),
            $"{Row.Time(time)}, of it {Row.Time(fenced)} to lose it", "", Row.Time(time), Target.Below(time, MostForHealing)) { IsDisturbed = !isQuiet };
    }
}
