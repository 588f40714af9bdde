using System.Diagnostics;
using System.Globalization;
using AzureIaaS.Benchmarks.Measuring;

namespace AzureIaaS.Benchmarks.Networks;

/// <summary>Frames that a guest has sent as fast as it can.</summary>
/// <param name="Rate">How many a second the other has received; that were sent, when there is no other.</param>
/// <param name="Lost">What share of them did not come.</param>
/// <param name="Switch">How many processors the switch kept busy.</param>
/// <param name="Sender">How many processors the sender's own thread kept busy; one at most.</param>
/// <param name="Receiver">And the receiver's.</param>
/// <param name="Qemus">And all threads of both QEMUs.</param>
/// <param name="Machine">And everything on this machine.</param>
internal sealed record Flow(double Rate, double Lost, double Switch, double Sender, double Receiver, double Qemus, double Machine)
{
    /// <summary>Processor time that a frame takes which arrives, in microseconds: of both guests and what is between them. Others on this machine do not change it much.</summary>
    public double Cost => (Qemus + Switch) / Rate * 1e6;

    /// <summary>How many processors others kept busy.</summary>
    public double Others => Machine - Qemus - Switch;

    public override string ToString() => string.Create(CultureInfo.InvariantCulture,
        $"{Rate:N0}/s, {Lost:0.0 %} lost, switch {Switch:0 %}, guests {Sender:0 %} and {Receiver:0 %}, machine {Machine:0 %}, {Cost:0} µs a frame");
}

/// <summary>A file that a guest has fetched from the other.</summary>
/// <param name="Rate">Bytes a second.</param>
/// <param name="Again">How many TCP segments had to be sent again.</param>
/// <param name="Cost">Processor time of both guests and what is between them, in seconds a MiB.</param>
internal sealed record Transfer(double Rate, long Again, double Cost)
{
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Rate / (1 << 20):0.0} MiB/s, {Again} segments sent again, {Cost * 1000:0} ms of processor time a MiB");
}

/// <summary>What a pair of guests does on each way: the kernel's packet generator to the other's discard port, and wget of a file in memory.</summary>
/// <param name="pair">The guests.</param>
/// <param name="isQuick">Whether a little will do.</param>
internal sealed class GuestTraffic(GuestPair pair, bool isQuick)
{
    private const string Generator = "/proc/net/pktgen";
    private const string Retransmitted = "awk '/^Tcp: [0-9]/ {print $13}' /proc/net/snmp";   // RetransSegs

    private string _digest = "";

    /// <summary>The file's length, in bytes.</summary>
    public long FileLength => (isQuick ? 4L : 16L) << 20;

    private int Seconds => isQuick ? 1 : 3;

    /// <summary>Puts into the guests what they need, and has each way used once.</summary>
    public async Task PrepareAsync()
    {
        await pair.TypeAsync(0, "modprobe pktgen");
        var made = await pair.TypeAsync(0, $"mkdir -p /run/www; dd if=/dev/urandom of=/run/www/file bs=1M count={FileLength >> 20} 2>/dev/null; httpd -h /run/www; md5sum < /run/www/file");
        _digest = made.Trim();
        foreach (var way in Enum.GetValues<Way>())
        {
            await SendFramesAsync(way, 60);
            if (way != Way.Nowhere)
                await pair.TypeAsync(1, $"ping -c 1 -w 20 {pair.Address(0, way)}");
        }
    }

    /// <summary>Has the first guest send frames to the second for some seconds.</summary>
    /// <param name="way">Where.</param>
    /// <param name="length">Their length, in bytes.</param>
    public async Task<Flow> SendFramesAsync(Way way, int length)
    {
        var card = $"{Generator}/{GuestPair.Card(way)}";
        string[] settings =
        [
            "count 0", "delay 0", $"min_pkt_size {length}", $"max_pkt_size {length}", "udp_dst_min 9", "udp_dst_max 9",
            $"src_min {pair.Address(0, way)}", $"src_max {pair.Address(0, way)}", $"dst {pair.Address(1, way)}", $"dst_mac {pair.Mac(1, way)}",
        ];
        await pair.TypeAsync(0, $"echo rem_device_all > {Generator}/kpktgend_0; echo add_device {GuestPair.Card(way)} > {Generator}/kpktgend_0; for setting in {string.Join(' ', settings.Select(s => $"'{s}'"))}; do echo $setting > {card}; done");
        var (sent, received) = (await CountAsync(0, way, "tx"), await CountAsync(1, way, "rx"));
        var generating = pair.TypeAsync(0, $"echo start > {Generator}/pgctrl & sleep {Seconds + 1}; echo stop > {Generator}/pgctrl; wait; sed -n 's/.*OK: \\([0-9]*\\).*/\\1/p' {card}");
        await Task.Delay(TimeSpan.FromSeconds(0.5));   // it has begun
        var use = await MeasureUseAsync();
        var time = TimeSpan.FromMicroseconds(double.Parse(await generating, CultureInfo.InvariantCulture));
        (sent, received) = (await CountAsync(0, way, "tx") - sent, await CountAsync(1, way, "rx") - received);
        return way == Way.Nowhere ? use with { Rate = sent / time.TotalSeconds } : use with { Rate = received / time.TotalSeconds, Lost = 1 - ((double)received / sent) };
    }

    /// <summary>Has the second guest fetch a file from the first.</summary>
    /// <param name="way">Where.</param>
    /// <exception cref="InvalidOperationException">It is not the same file.</exception>
    public async Task<Transfer> SendFileAsync(Way way)
    {
        await pair.TypeAsync(1, "rm -f /run/got");
        var before = await AgainAsync();
        var (used, start) = (Times(), Stopwatch.GetTimestamp());
        await pair.TypeAsync(1, $"wget -q -O /run/got http://{pair.Address(0, way)}/file");
        var (time, use) = (Stopwatch.GetElapsedTime(start), Times());
        var digest = await pair.TypeAsync(1, "md5sum < /run/got");
        return digest.Trim() == _digest
            ? new Transfer(FileLength / time.TotalSeconds, await AgainAsync() - before, (use[0] + use[3] - used[0] - used[3]).TotalSeconds / (FileLength >> 20))
            : throw new InvalidOperationException($"What has come through {way} is not what was sent: {digest}, and not {_digest}.");
    }

    private async Task<long> AgainAsync() => long.Parse(await pair.TypeAsync(0, Retransmitted), CultureInfo.InvariantCulture);

    private async Task<long> CountAsync(int guest, Way way, string direction) =>
        long.Parse(await pair.TypeAsync(guest, $"cat /sys/class/net/{GuestPair.Card(way)}/statistics/{direction}_packets"), CultureInfo.InvariantCulture);

    private async Task<Flow> MeasureUseAsync()
    {
        var (before, start) = (Times(), Stopwatch.GetTimestamp());
        await Task.Delay(TimeSpan.FromSeconds(Seconds - 0.5));
        var (after, time) = (Times(), Stopwatch.GetElapsedTime(start));
        double Share(int which) => (after[which] - before[which]) / time;
        return new Flow(0, 0, Share(0), Share(1), Share(2), Share(3), Share(4));
    }

    private TimeSpan[] Times() => [pair.SwitchTime, pair.Guests[0].OfGuest, pair.Guests[1].OfGuest, pair.Guests[0].OfAll + pair.Guests[1].OfAll, OtherLoad.Begin().Busy];
}
