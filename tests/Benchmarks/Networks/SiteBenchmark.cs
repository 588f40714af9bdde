using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Networking;
using AzureIaaS.Local.Networking.Egress;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;
using AzureIaaS.Networks;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Benchmarks.Networks;

/// <summary>
/// Packets from a member of a network to a site, through the switch, the gateway of the sites and the tunnel; beside it the same strongSwan configured
/// by hand, from a socket on the gateway itself. The office's side is the same for both, and so are cipher, packets and window.
/// </summary>
internal sealed class SiteBenchmark : Benchmark
{
    private const int PacketLength = 1400;
    private const int Window = 64;
    private const double RatioTarget = 0.8;
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(90);
    private static readonly TimeSpan LostAfter = TimeSpan.FromMilliseconds(50);

    private delegate void Sender(byte[] data);

    public override string Name => "site";

    public override string Description => "packets to a site through its tunnel, beside strongSwan by hand (root)";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        if (Environment.UserName != "root" || !File.Exists("/usr/sbin/charon-systemd") || !File.Exists("/dev/net/tun"))
        {
            Workshop.Say("left out: it needs root, charon-systemd and /dev/net/tun");
            return [];
        }

        var folder = workshop.EmptyFolder("site");
        var time = TimeSpan.FromSeconds(workshop.IsQuick ? 1 : 4);
        await using var byHand = new Tunnel(Directory.CreateDirectory(Path.Combine(folder, "hand")).FullName);
        await using var product = new Tunnel(Directory.CreateDirectory(Path.Combine(folder, "product")).FullName);
        await byHand.BeginAsync();
        await product.BeginAsync();
        await byHand.StartCloudByHandAsync();
        using var session = new BenchFabric(folder, HypervisorKind.Qemu).Open();
        var network = ((IFabricNetworks)session.Provider).AddNetwork(new VirtualNetwork { Name = "corp", Subnet = "10.20.0.0/24", Isolated = true });
        var site = new Site { Name = "office", NetworkId = network.Id, Network = network.Name, Subnets = ["192.168.10.0/24"], GatewayAddress = Tunnel.OfficeAddress, LocalAddress = Tunnel.CloudAddress };
        await ((ISiteProvider)session.Provider).AddSiteAsync(site, SiteCredential.OfSharedKey(Tunnel.Key), Silence.Instance, CancellationToken.None);
        var layout = new FabricLayout(session.Context.Path!);
        product.StartInCloud(Workshop.Iaas, "site", "gateway", "--path", layout.Root, "--hypervisor", "Qemu");
        using var member = new Member(layout, network);
        using var hand = Tunnel.Udp(byHand.Cloud, Tunnel.MemberAddress);
        hand.Connect(IPAddress.Parse(Tunnel.DeskAddress), Tunnel.Port);
        using var atHand = Tunnel.Udp(byHand.Office, Tunnel.DeskAddress);
        using var atProduct = Tunnel.Udp(product.Office, Tunnel.DeskAddress);
        void ByHand(byte[] data)
        {
            _ = hand.Send(data, SocketFlags.None, out _);
        }

        Workshop.Say("waiting for the tunnels");
        await WaitForAsync(ByHand, atHand);
        await WaitForAsync(member.Send, atProduct);
        await OtherLoad.WaitForQuietAsync();
        Workshop.Say("sending through the tunnels");
        var (ours, peer) = (new List<double>(), new List<double>());
        for (var round = 0; round <= workshop.Rounds; round++)
        {
            ours.Add(Rate(member.Send, atProduct, time));
            peer.Add(Rate(ByHand, atHand, time));
        }

        // The first round also compiles.
        var (reached, reachedByHand) = (Median(ours.Skip(1)), Median(peer.Skip(1)));
        return [new Row(Name, $"packets of {PacketLength:N0} bytes to a site", Describe(reached), Describe(reachedByHand) + " by hand", Row.Ratio(reached / reachedByHand), Target.AtLeast(reached / reachedByHand, RatioTarget))];
    }

    private static async Task WaitForAsync(Sender send, Socket receiver)
    {
        var data = new byte[100];
        for (var start = Stopwatch.StartNew(); receiver.Available == 0; await Task.Delay(100))
        {
            if (start.Elapsed > ReadyWithin)
                throw new InvalidOperationException("No packet has come through the tunnel.");
            send(data);
        }
    }

    /// <summary>How many packets a second come through when so many are under way. Those that do not come are given up when none has for a while.</summary>
    private static double Rate(Sender send, Socket receiver, TimeSpan time)
    {
        using var window = new SemaphoreSlim(Window);
        var (received, ends) = (0L, false);
        var taker = new Thread(() =>
        {
            var buffer = new byte[PacketLength];
            while (!Volatile.Read(ref ends))
            {
                if (receiver.Receive(buffer, SocketFlags.None, out _) <= 0)
                    continue;
                received++;
                window.Release();
            }
        });
        taker.Start();
        var data = new byte[PacketLength - 28];
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < time)
        {
            if (window.Wait(LostAfter))
                send(data);
            else
                window.Release(Window);
        }

        var rate = Interlocked.Read(ref received) / clock.Elapsed.TotalSeconds;
        Volatile.Write(ref ends, true);
        taker.Join();
        return rate;
    }

    private static double Median(IEnumerable<double> values) => values.Order().ToList() is var sorted ? sorted[sorted.Count / 2] : 0;

    private static string Describe(double packets) => string.Create(CultureInfo.InvariantCulture, $"{packets / 1000:N1} k/s, {packets * PacketLength / (1 << 20):N0} MiB/s");

    /// <summary>A member of the network that speaks as a QEMU's adapter does, and the network's switch.</summary>
    private sealed class Member : IDisposable
    {
        private static readonly PortIdentity Identity = new(0x525400000001, AddressPool.ToNumber(IPAddress.Parse(Tunnel.MemberAddress)));

        private readonly NetworkSwitch _switch;
        private readonly Socket _socket;
        private readonly PortIdentity _gateway;

        public Member(FabricLayout layout, VirtualNetwork network)
        {
            var files = layout.Network(network.Id);
            PrivateFolder.Create(files.Run);
            var gateway = AddressPool.ToNumber(IPAddress.Parse(network.GatewayAddress));
            _gateway = new PortIdentity(SlirpEgress.MacOf(gateway), gateway);
            var place = new PortPlace(Path.Combine(files.Run, "bench.net"), Path.Combine(files.Run, "bench.nic"));
            _socket = TwoPeers.Bind(place.Peer);
            var plan = new SwitchPlan
            {
                Network = network,
                Gateway = _gateway,
                Subnet = gateway & ~0xFFu,
                Mask = ~0xFFu,
                DnsSuffix = "",
                Members = [new SwitchMember(Guid.NewGuid(), "nic0", Identity, "bench", [place])],
                Peers = [new SwitchPeer("office", AddressPool.ToNumber(IPAddress.Parse("192.168.10.0")), ~0xFFu, layout.Sites.Packets, PacketLength)],
            };
            _switch = new NetworkSwitch(plan, files, _ => { });
            _socket.Connect(new UnixDomainSocketEndPoint(place.Listen));
        }

        public void Send(byte[] data)
        {
            Span<byte> frame = stackalloc byte[Frame.Header + 28 + data.Length];
            Frame.Write(frame, _gateway.Mac, Identity.Mac, Frame.Ipv4);
            Ipv4.WriteUdp(frame[Frame.Header..], Identity.Address, Tunnel.Port, AddressPool.ToNumber(IPAddress.Parse(Tunnel.DeskAddress)), Tunnel.Port, data);
            _socket.Send(frame);
        }

        public void Dispose()
        {
            _switch.Dispose();
            _socket.Dispose();
        }
    }
}
