using System.Globalization;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Guests.Testing;

namespace AzureIaaS.Benchmarks.Networks;

/// <summary>
/// Frames and files from one real guest to another: through the product's switch, through QEMU's own <c>socket,mcast</c>, and with nothing between
/// them: by the netdev that the switch is reached by, which is the guests' own limit, and by others that a switch cannot be reached by.
/// </summary>
internal sealed class GuestsBenchmark : Benchmark
{
    private const double McastTarget = 5;
    private const double LimitTarget = 0.9;

    /// <summary>A frame of 64 bytes has 4 that the card adds.</summary>
    private static readonly (int Length, string What)[] Frames = [(60, "frames of 64 bytes between Linux guests"), (1514, "frames of 1,514 bytes between Linux guests")];

    private static readonly Way[] Ways = Enum.GetValues<Way>();
    private static readonly Way[] Meeting = [.. Ways.Where(w => w != Way.Nowhere)];

    public override string Name => "guests";

    public override string Description => "frames and files between two guests, beside QEMU's socket,mcast and the guests' own limit";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':');
        if (!path.Any(f => File.Exists(Path.Combine(f, "qemu-system-x86_64"))))
        {
            Workshop.Say("left out: qemu-system-x86_64 is not installed");
            return [];
        }

        using var interruption = new Interruption();
        var folder = workshop.EmptyFolder("guests");
        await OtherLoad.WaitForQuietAsync();
        Workshop.Say("booting two Linux guests");
        try
        {
            await using var pair = await GuestPair.StartAsync(folder, interruption.Token);
            return await MeasureAsync(workshop, new GuestTraffic(pair, workshop.IsQuick));
        }
        catch (GuestBuildException e)
        {
            Workshop.Say($"left out: {e.Message}");
            return [];
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private async Task<IReadOnlyList<Row>> MeasureAsync(Workshop workshop, GuestTraffic traffic)
    {
        await traffic.PrepareAsync();
        var flows = Frames.ToDictionary(f => f.Length, _ => Ways.ToDictionary(w => w, _ => new List<Flow>()));
        var files = Meeting.ToDictionary(w => w, _ => new List<Transfer>());
        for (var round = 0; round < workshop.Rounds; round++)
        {
            foreach (var (length, what) in Frames)
            {
                Workshop.Say($"round {round + 1}: {what}");
                foreach (var way in InTurn(Ways, round))
                    flows[length][way].Add(Say(way, await traffic.SendFramesAsync(way, length)));
            }

            Workshop.Say($"round {round + 1}: a file");
            foreach (var way in InTurn(Meeting, round))
                files[way].Add(Say(way, await traffic.SendFileAsync(way)));
        }

        var isDisturbed = !OtherLoad.IsQuiet(Statistics.Median(flows.Values.SelectMany(f => f.Values).SelectMany(f => f).Select(f => f.Others)));
        IEnumerable<Row> rows = [.. Frames.SelectMany(f => RowsOf(f.What, flows[f.Length])), .. RowsOf(traffic.FileLength, files)];
        return [.. rows.Select(r => r with { IsDisturbed = isDisturbed })];
    }

    /// <summary>Who always follows the same one inherits what it has left.</summary>
    private static IEnumerable<Way> InTurn(Way[] ways, int round) => round % 2 == 0 ? ways : ways.Reverse();

    private static T Say<T>(Way way, T measured)
    {
        Workshop.Say($"  {way}: {measured}");
        return measured;
    }

    private IEnumerable<Row> RowsOf(string what, Dictionary<Way, List<Flow>> flows)
    {
        var rates = flows.ToDictionary(f => f.Key, f => Statistics.Median(f.Value.Select(m => m.Rate)));
        string Lost(Way way) => string.Create(CultureInfo.InvariantCulture, $"{Statistics.Median(flows[way].Select(m => m.Lost)):0.0 %} lost");
        yield return RowOf(what, rates, r => $"{Thousands(r)}/s", Lost(Way.Switch), Lost(Way.Multicast), $"; sent to nowhere {Thousands(rates[Way.Nowhere])}/s");
        var ours = flows[Way.Switch];
        string Percent(Func<Flow, double> value) => string.Create(CultureInfo.InvariantCulture, $"{Statistics.Median(ours.Select(value)):0 %}");
        yield return new Row(Name, "the same: of a core", $"switch {Percent(m => m.Switch)}", $"the guests' own processors {Percent(m => m.Sender)} and {Percent(m => m.Receiver)}, both QEMUs {Percent(m => m.Qemus)}, the whole machine {Percent(m => m.Machine)}", Percent(m => m.Switch));
        yield return CostOf("the same: processor time a frame", Meeting.ToDictionary(w => w, w => Statistics.Median(flows[w].Select(m => m.Cost))), c => string.Create(CultureInfo.InvariantCulture, $"{c:0} µs"));
    }

    private IEnumerable<Row> RowsOf(long length, Dictionary<Way, List<Transfer>> files)
    {
        var rates = files.ToDictionary(f => f.Key, f => Statistics.Median(f.Value.Select(m => m.Rate)));
        string Again(Way way) => string.Create(CultureInfo.InvariantCulture, $"{Statistics.Median(files[way].Select(m => (double)m.Again)):0} segments sent again");
        yield return RowOf($"a file of {ByteSize.Format(length)} by HTTP between Linux guests", rates, r => string.Create(CultureInfo.InvariantCulture, $"{r / (1 << 20):0.0} MiB/s"), Again(Way.Switch), Again(Way.Multicast), "");
        yield return CostOf("the same: processor time a MiB", files.ToDictionary(f => f.Key, f => Statistics.Median(f.Value.Select(m => m.Cost * 1000))), c => string.Create(CultureInfo.InvariantCulture, $"{c:0} ms"));
    }

    private Row RowOf(string what, Dictionary<Way, double> rates, Func<double, string> format, string ours, string mcast, string more)
    {
        var (toMcast, toLimit) = (rates[Way.Switch] / rates[Way.Multicast], rates[Way.Switch] / rates[Way.Datagrams]);
        var peers = $"socket,mcast {format(rates[Way.Multicast])} ({mcast}); nothing between: datagrams {format(rates[Way.Datagrams])}, L2TPv3 {format(rates[Way.L2tp])}, a stream {format(rates[Way.Stream])}{more}";
        return new Row(Name, what, $"{format(rates[Way.Switch])} ({ours})", peers, $"{Row.Ratio(toMcast)} of mcast, {Row.Ratio(toLimit)} of datagrams, {Row.Ratio(rates[Way.Switch] / rates[Way.Stream])} of a stream",
            new Target($"≥ {McastTarget:0} of mcast, or {LimitTarget:0.0} of datagrams, the guests' limit", toMcast >= McastTarget || toLimit >= LimitTarget));
    }

    private Row CostOf(string what, Dictionary<Way, double> costs, Func<double, string> format) => new(Name, what, format(costs[Way.Switch]),
        $"socket,mcast {format(costs[Way.Multicast])}; nothing between: datagrams {format(costs[Way.Datagrams])}, a stream {format(costs[Way.Stream])}",
        $"{Row.Ratio(costs[Way.Multicast] / costs[Way.Switch])} of mcast, {Row.Ratio(costs[Way.Datagrams] / costs[Way.Switch])} of datagrams");

    private static string Thousands(double rate) => string.Create(CultureInfo.InvariantCulture, $"{rate / 1000:0.0} k");
}
