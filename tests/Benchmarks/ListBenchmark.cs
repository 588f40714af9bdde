using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Benchmarks.Shells;
using AzureIaaS.Imports;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Benchmarks;

/// <summary>Listing a thousand machines.</summary>
internal sealed class ListBenchmark : Benchmark
{
    private static readonly TimeSpan Most = TimeSpan.FromMilliseconds(300);

    public override string Name => "list";

    public override string Description => "listing a thousand machines, in a warm shell and by iaas";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var count = workshop.IsQuick ? 50 : 1000;
        var folder = workshop.EmptyFolder("list");
        var fabric = new BenchFabric(folder, HypervisorKind.Simulated);
        await ImportAsync(fabric, folder, count);
        var rows = new List<Row>();
        if (WarmShell.Exists)
            rows.Add(await WarmAsync(workshop, $"{count:N0} machines, none running, Get-IaaSVm in a warm shell", Most));
        rows.Add(await WholeAsync(workshop, $"{count:N0} machines, iaas list, whole process"));
        await StartAsync(fabric);
        if (WarmShell.Exists)
            rows.Add(await WarmAsync(workshop, $"{count:N0} machines, all running (simulated), Get-IaaSVm in a warm shell", null));
        Directory.Delete(folder, recursive: true);
        return rows;
    }

    private static async Task ImportAsync(BenchFabric fabric, string folder, int count)
    {
        Workshop.Say($"importing {count:N0} machines");
        var image = Path.Combine(folder, "small.raw");
        await File.WriteAllBytesAsync(image, new byte[64 << 10]);
        using var session = fabric.Open();
        for (var i = 0; i < count; i++)
            await session.Imports.ImportAsync(new ImportRequest { Path = image, Name = $"vm{i:0000}" }, Silence.Instance, CancellationToken.None);
    }

    private static async Task StartAsync(BenchFabric fabric)
    {
        using var session = fabric.Open();
        foreach (var machine in await session.ListAsync(CancellationToken.None))
            await session.Provider.StartAsync(machine.Id, new StartOptions { Overcommit = true }, Silence.Instance, CancellationToken.None);
    }

    private async Task<Row> WarmAsync(Workshop workshop, string what, TimeSpan? most)
    {
        Workshop.Say(what);
        using var shell = new WarmShell();
        var times = await new Contest(workshop.Rounds, countOthers: false).HoldAsync(new Contestant("Get-IaaSVm", () => Task.FromResult(shell.Run("Get-IaaSVm"))));
        var time = times["Get-IaaSVm"];
        return new Row(Name, what, Row.Time(time), "", Row.Time(time), most is { } limit ? Target.Below(time, limit) : null) { IsDisturbed = times.IsDisturbed };
    }

    private async Task<Row> WholeAsync(Workshop workshop, string what)
    {
        Workshop.Say(what);
        var times = await new Contest(workshop.Rounds).HoldAsync(new Contestant("iaas list", async () => (await BenchFabric.IaasAsync("list")).Elapsed));
        return new Row(Name, what, Row.Time(times["iaas list"]), "", Row.Time(times["iaas list"]));
    }
}
