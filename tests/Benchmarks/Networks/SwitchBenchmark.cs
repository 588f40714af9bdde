using System.Diagnostics;
using System.Globalization;
using AzureIaaS.Benchmarks.Measuring;

namespace AzureIaaS.Benchmarks.Networks;

/// <summary>
/// A network's switch between two peers that speak as QEMU's adapters do: a frame a system call, through unix datagram sockets. Beside it the same
/// two peers with nothing between them.
/// </summary>
internal sealed class SwitchBenchmark : Benchmark
{
    private const double FramesTarget = 250_000;
    private const double BytesTarget = 400 << 20;
    private static readonly TimeSpan LatencyTarget = TimeSpan.FromMicroseconds(100);

    public override string Name => "switch";

    public override string Description => "a network's switch between two peers: frames, bytes and delay";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var folder = workshop.EmptyFolder("switch");
        var time = TimeSpan.FromSeconds(workshop.IsQuick ? 0.5 : 3);
        await OtherLoad.WaitForQuietAsync();
        var rows = new List<Row>();
        foreach (var (length, what, target) in new[] { (64, "frames of 64 bytes", FramesTarget), (1514, "frames of 1,514 bytes", BytesTarget / 1514) })
        {
            Workshop.Say($"carrying {what}");
            var (through, direct) = (new List<double>(), new List<double>());
            for (var round = 0; round <= workshop.Rounds; round++)
            {
                through.Add(Rate(folder, length, time, withSwitch: true));
                direct.Add(Rate(folder, length, time, withSwitch: false));
            }

            // The first round also compiles.
            var (ours, peer) = (Median(through.Skip(1)), Median(direct.Skip(1)));
            rows.Add(new Row(Name, what, Describe(ours, length), $"{Describe(peer, length)} without a switch", Row.Ratio(ours / peer),
                new Target(string.Create(CultureInfo.InvariantCulture, $"≥ {target:N0}/s"), ours >= target)));
        }

        Workshop.Say("measuring the delay");
        var delays = Enumerable.Range(0, workshop.Rounds + 1).Select(_ => (Through: RoundTrip(folder, withSwitch: true), Direct: RoundTrip(folder, withSwitch: false))).Skip(1).ToList();
        var added = (Median(delays.Select(d => d.Through)) - Median(delays.Select(d => d.Direct))) / 2;
        rows.Add(new Row(Name, "delay of a frame, at rest", Microseconds(Median(delays.Select(d => d.Through)) / 2), $"{Microseconds(Median(delays.Select(d => d.Direct)) / 2)} without a switch",
            $"+{Microseconds(added)}", new Target("< 100 µs", added < LatencyTarget.TotalMicroseconds)));
        Directory.Delete(folder, recursive: true);
        return rows;
    }

    /// <summary>How many frames a second come through from one peer that sends as fast as it can.</summary>
    private static double Rate(string folder, int length, TimeSpan time, bool withSwitch)
    {
        using var wires = new TwoPeers(folder, withSwitch);
        var frame = TwoPeers.Frame(0, length);
        using var stop = new CancellationTokenSource();
        var sender = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
                wires.Send(0, frame);
        });
        sender.Start();
        var buffer = new byte[9216];
        for (var i = 0; i < 1000; i++)
            wires.Receive(1, buffer);
        var (clock, count) = (Stopwatch.StartNew(), 0L);
        while (clock.Elapsed < time)
        {
            for (var i = 0; i < 100; i++, count++)
                wires.Receive(1, buffer);
        }

        var rate = count / clock.Elapsed.TotalSeconds;
        stop.Cancel();
        while (!sender.Join(0))
            wires.TryReceive(1, buffer);
        return rate;
    }

    /// <summary>How long a frame takes to the other peer and back, in microseconds.</summary>
    private static double RoundTrip(string folder, bool withSwitch)
    {
        const int Rounds = 2000;
        using var wires = new TwoPeers(folder, withSwitch);
        var (there, back, buffer) = (TwoPeers.Frame(0, 64), TwoPeers.Frame(1, 64), new byte[9216]);
        var echo = new Thread(() =>
        {
            var own = new byte[9216];
            for (var i = 0; i < Rounds; i++)
            {
                wires.Receive(1, own);
                wires.Send(1, back);
            }
        });
        echo.Start();
        var times = new double[Rounds];
        for (var i = 0; i < Rounds; i++)
        {
            var clock = Stopwatch.StartNew();
            wires.Send(0, there);
            wires.Receive(0, buffer);
            times[i] = clock.Elapsed.TotalMicroseconds;
        }

        echo.Join();
        return Median(times);
    }

    private static double Median(IEnumerable<double> values) => values.Order().ToList() is var sorted ? sorted[sorted.Count / 2] : 0;

    private static string Describe(double frames, int length) =>
        string.Create(CultureInfo.InvariantCulture, $"{frames / 1000:N0} k/s, {frames * length / (1 << 20):N0} MiB/s");

    private static string Microseconds(double value) => string.Create(CultureInfo.InvariantCulture, $"{value:0} µs");
}
