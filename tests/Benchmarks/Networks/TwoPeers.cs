using System.Net.Sockets;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Networking;
using AzureIaaS.Local.Networking.Egress;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;

namespace AzureIaaS.Benchmarks.Networks;

/// <summary>Two peers, with a switch between them or without.</summary>
internal sealed class TwoPeers : IDisposable
{
    private const uint Gateway = 0x0A140001;

    private readonly NetworkSwitch? _switch;
    private readonly Socket[] _receivers;
    private readonly Socket[] _senders;

    /// <summary>Puts them up.</summary>
    /// <param name="folder">A folder for their sockets.</param>
    /// <param name="withSwitch">Whether a switch is between them.</param>
    public TwoPeers(string folder, bool withSwitch)
    {
        string Nic(int peer) => Path.Combine(folder, $"{peer}.nic");
        string Net(int peer) => Path.Combine(folder, $"{peer}.net");
        _receivers = [.. Enumerable.Range(0, 2).Select(i =>
        {
            File.Delete(Nic(i));
            var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.Bind(new UnixDomainSocketEndPoint(Nic(i)));
            return socket;
        })];
        if (withSwitch)
        {
            var plan = new SwitchPlan
            {
                Network = new VirtualNetwork { Name = "bench", Subnet = "10.20.0.0/24", GatewayAddress = "10.20.0.1", Isolated = true },
                Gateway = new PortIdentity(SlirpEgress.MacOf(Gateway), Gateway),
                Subnet = Gateway & ~0xFFu,
                Mask = ~0xFFu,
                DnsSuffix = "",
                Members = [.. Enumerable.Range(0, 2).Select(i => new SwitchMember(Guid.NewGuid(), "nic0", Identity(i), $"peer{i}", [new PortPlace(Net(i), Nic(i))]))],
            };
            _switch = new NetworkSwitch(plan, new NetworkFiles(folder, Path.Combine(folder, "log")), _ => { });
        }

        _senders = [.. Enumerable.Range(0, 2).Select(i =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
            socket.Connect(new UnixDomainSocketEndPoint(withSwitch ? Net(i) : Nic(1 - i)));
            return socket;
        })];
    }

    /// <summary>A frame from a peer to the other.</summary>
    /// <param name="from">The peer.</param>
    /// <param name="length">Its length.</param>
    public static byte[] Frame(int from, int length)
    {
        var (frame, own, other) = (new byte[length], Identity(from), Identity(1 - from));
        Local.Networking.Wire.Frame.Write(frame, other.Mac, own.Mac, Local.Networking.Wire.Frame.Ipv4);
        Ipv4.WriteUdp(frame.AsSpan(Local.Networking.Wire.Frame.Header), own.Address, 1, other.Address, 2, new byte[length - Local.Networking.Wire.Frame.Header - 28]);
        return frame;
    }

    public void Send(int peer, byte[] frame) => _senders[peer].Send(frame);

    public void Receive(int peer, byte[] buffer) => _receivers[peer].Receive(buffer);

    public void TryReceive(int peer, byte[] buffer)
    {
        if (_receivers[peer].Poll(1000, SelectMode.SelectRead))
            _receivers[peer].Receive(buffer);
    }

    public void Dispose()
    {
        foreach (var socket in _senders)
            socket.Dispose();
        _switch?.Dispose();
        foreach (var socket in _receivers)
            socket.Dispose();
    }

    private static PortIdentity Identity(int peer) => new(0x525400000001UL + (uint)peer, Gateway + 3 + (uint)peer);
}
