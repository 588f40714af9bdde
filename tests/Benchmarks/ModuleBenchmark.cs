using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Benchmarks.Shells;

namespace AzureIaaS.Benchmarks;

/// <summary>What importing the module adds to the start of a bare shell.</summary>
internal sealed class ModuleBenchmark : Benchmark
{
    private const string Ours = "Import-Module";
    private const string Peer = "bare shell";
    private static readonly TimeSpan Most = TimeSpan.FromMilliseconds(300);

    public override string Name => "module";

    public override string Description => "importing the module, over the start of a bare shell";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        if (!WarmShell.Exists)
            return [];
        Workshop.Say("importing the module");
        var times = await new Contest(workshop.Rounds).HoldAsync(Shell(Ours, $"Import-Module '{Workshop.Module}'"), Shell(Peer, "$null"));
        var added = times[Ours] - times[Peer];
        return [new Row(Name, "pwsh with Import-Module, whole process", Row.Time(times[Ours]), $"{Peer} {Row.Time(times[Peer])}", Row.Difference(added), Target.Below(added, Most)) { IsDisturbed = times.IsDisturbed }];
    }

    private static Contestant Shell(string name, string command) =>
        new(name, async () => (await WholeProcess.RunAsync(["pwsh", "-NoLogo", "-NoProfile", "-NonInteractive", "-Command", command])).Elapsed);
}
