using System.Diagnostics;
using System.Globalization;
using AzureIaaS.Benchmarks.Measuring;

namespace AzureIaaS.Benchmarks.Networks;

/// <summary>
/// A network's switch between two peers: a frame a system call, through unix datagram sockets. Beside it the same two peers with a bare relay
/// between them, which is the most that can be had of these sockets, and with nothing; and all that with sockets such as QEMU's, beside its own
/// way without a switch.
/// </summary>
internal sealed class SwitchBenchmark : Benchmark
{
    private const double FramesTarget = 250_000;
    private const double BytesTarget = 400 << 20;
    private const double RelayTarget = 0.9;
    private const double BytesPerFrameTarget = 1;
    private static readonly TimeSpan LatencyTarget = TimeSpan.FromMicroseconds(100);

    public override string Name => "switch";

    public override string Description => "a network's switch between two peers: frames, bytes and delay";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var folder = workshop.EmptyFolder("switch");
        var time = TimeSpan.FromSeconds(workshop.IsQuick ? 0.5 : 3);
        await OtherLoad.WaitForQuietAsync();
        var (rows, allocated) = (new List<Row>(), new List<double>());
        foreach (var (length, what, target) in new[] { (64, "frames of 64 bytes", FramesTarget), (1514, "frames of 1,514 bytes", BytesTarget / 1514) })
        {
            Workshop.Say($"carrying {what}");
            var rates = Rates(workshop, folder, length, time, connected: true, allocated, Between.Nothing, Between.BareRelay, Between.Switch);
            var (ours, relay) = (rates[Between.Switch], rates[Between.BareRelay]);
            rows.Add(new Row(Name, what, Describe(ours, length), $"bare relay {Describe(relay, length)}; nothing between {Describe(rates[Between.Nothing], length)}", $"{Row.Ratio(ours / relay)} of the relay",
                new Target(string.Create(CultureInfo.InvariantCulture, $"≥ {target:N0}/s, or {RelayTarget:0.0} of the relay"), ours >= target || ours / relay >= RelayTarget)));

            // QEMU does not connect its socket: the kernel lets only a few frames wait for it.
            rates = Rates(workshop, folder, length, time, connected: false, allocated, Between.BareRelay, Between.Switch, Between.Multicast);
            (ours, relay) = (rates[Between.Switch], rates[Between.BareRelay]);
            rows.Add(new Row(Name, $"{what}, to a socket like QEMU's", Describe(ours, length), $"bare relay {Describe(relay, length)}; QEMU's socket,mcast {Describe(rates[Between.Multicast], length)}",
                $"{Row.Ratio(ours / relay)} of the relay, {Row.Ratio(ours / rates[Between.Multicast])} of mcast", new Target(string.Create(CultureInfo.InvariantCulture, $"≥ {RelayTarget:0.0} of the relay"), ours / relay >= RelayTarget)));
        }

        rows.Add(new Row(Name, "memory allocated for a frame", Bytes(allocated.Max()), "", Bytes(allocated.Max()), new Target($"< {Bytes(BytesPerFrameTarget)}", allocated.Max() < BytesPerFrameTarget)));
        Workshop.Say("measuring the delay");
        var delays = Enumerable.Range(0, workshop.Rounds + 1).Select(_ => (Through: RoundTrip(folder, Between.Switch), Direct: RoundTrip(folder, Between.Nothing))).Skip(1).ToList();
        var added = (Median(delays.Select(d => d.Through)) - Median(delays.Select(d => d.Direct))) / 2;
        rows.Add(new Row(Name, "delay of a frame, at rest", Microseconds(Median(delays.Select(d => d.Through)) / 2), $"{Microseconds(Median(delays.Select(d => d.Direct)) / 2)} without a switch",
            $"+{Microseconds(added)}", new Target("< 100 µs", added < LatencyTarget.TotalMicroseconds)));
        Directory.Delete(folder, recursive: true);
        return rows;
    }

    /// <summary>How many frames a second come through with each of these between the peers: medians of the rounds.</summary>
    private static Dictionary<Between, double> Rates(Workshop workshop, string folder, int length, TimeSpan time, bool connected, List<double> allocated, params Between[] all)
    {
        var rates = all.ToDictionary(b => b, _ => new List<double>());
        for (var round = 0; round <= workshop.Rounds; round++)
        {
            foreach (var (between, list) in rates)
            {
                var (rate, bytes) = Rate(folder, length, time, between, connected);
                list.Add(rate);
                if (between == Between.Switch && round > 0)
                    allocated.Add(bytes);
            }
        }

        // The first round also compiles.
        return rates.ToDictionary(r => r.Key, r => Median(r.Value.Skip(1)));
    }

    /// <summary>How many frames a second come through from one peer that sends as fast as it can, and what was allocated for each.</summary>
    private static (double Rate, double Allocated) Rate(string folder, int length, TimeSpan time, Between between, bool connected)
    {
        using var wires = new TwoPeers(folder, between, connected);
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
        var (clock, count, before) = (Stopwatch.StartNew(), 0L, GC.GetTotalAllocatedBytes(precise: true));
        while (clock.Elapsed < time)
        {
            for (var i = 0; i < 100; i++, count++)
                wires.Receive(1, buffer);
        }

        var (rate, allocated) = (count / clock.Elapsed.TotalSeconds, (double)(GC.GetTotalAllocatedBytes(precise: true) - before) / count);
        stop.Cancel();
        while (!sender.Join(0))
            wires.TryReceive(1, buffer);
        return (rate, allocated);
    }

    /// <summary>How long a frame takes to the other peer and back, in microseconds.</summary>
    private static double RoundTrip(string folder, Between between)
    {
        const int Rounds = 2000;
        using var wires = new TwoPeers(folder, between);
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

    private static string Bytes(double value) => string.Create(CultureInfo.InvariantCulture, $"{value:0.0#} bytes");

    private static string Microseconds(double value) => string.Create(CultureInfo.InvariantCulture, $"{value:0} µs");
}
