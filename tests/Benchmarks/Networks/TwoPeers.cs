using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Networking;
using AzureIaaS.Local.Networking.Egress;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;

namespace AzureIaaS.Benchmarks.Networks;

/// <summary>What is between two peers.</summary>
internal enum Between
{
    /// <summary>Nothing.</summary>
    Nothing,

    /// <summary>A loop with the same system calls as the switch, and nothing else.</summary>
    BareRelay,

    /// <summary>The product's switch.</summary>
    Switch,

    /// <summary>A multicast group on the loopback instead of unix sockets: what QEMU's own <c>socket,mcast</c> is.</summary>
    Multicast,
}

/// <summary>
/// Two peers with a datagram socket each, a system call a frame, and what is between them. A peer that has connected its socket lets more than
/// net.unix.max_dgram_qlen frames wait for it; QEMU does not connect its own.
/// </summary>
internal sealed partial class TwoPeers : IDisposable
{
    private const uint Gateway = 0x0A140001;
    private const int DoNotWait = 0x40;
    private static readonly IPEndPoint Group = new(IPAddress.Parse("230.0.0.1"), 41494);

    private readonly NetworkSwitch? _switch;
    private readonly BareRelay? _relay;
    private readonly Socket[] _sockets;
    private readonly byte[][] _addresses;

    /// <summary>Puts them up.</summary>
    /// <param name="folder">A folder for their sockets.</param>
    /// <param name="between">What is between them.</param>
    /// <param name="connected">Whether they have connected their sockets.</param>
    public TwoPeers(string folder, Between between, bool connected = true)
    {
        string Nic(int peer) => Path.Combine(folder, $"{peer}.nic");
        string Net(int peer) => Path.Combine(folder, $"{peer}.net");
        if (between == Between.Multicast)
        {
            _sockets = [.. Enumerable.Range(0, 2).Select(_ => Join())];
            _addresses = [.. _sockets.Select(_ => BytesOf(Group))];
            return;
        }

        _sockets = [.. Enumerable.Range(0, 2).Select(i => Bind(Nic(i)))];
        if (between == Between.BareRelay)
        {
            _relay = new BareRelay([.. Enumerable.Range(0, 2).Select(i => (Net(i), Nic(i)))]);
        }
        else if (between == Between.Switch)
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

        var others = Enumerable.Range(0, 2).Select(i => new UnixDomainSocketEndPoint(between == Between.Nothing ? Nic(1 - i) : Net(i))).ToList();
        _addresses = [.. others.Select(o => connected ? [] : BytesOf(o))];
        for (var i = 0; i < 2 && connected; i++)
            _sockets[i].Connect(others[i]);
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

    /// <summary>A datagram socket on a path.</summary>
    /// <param name="path">The path.</param>
    public static Socket Bind(string path)
    {
        File.Delete(path);
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        socket.Bind(new UnixDomainSocketEndPoint(path));
        return socket;
    }

    public void Send(int peer, byte[] frame) => _ = sendto((int)_sockets[peer].Handle, frame, (nuint)frame.Length, 0, _addresses[peer], (uint)_addresses[peer].Length);

    public void Receive(int peer, byte[] buffer) => _ = recv((int)_sockets[peer].Handle, buffer, (nuint)buffer.Length, 0);

    /// <returns>Whether anything was there.</returns>
    public bool TryReceive(int peer, byte[] buffer) => recv((int)_sockets[peer].Handle, buffer, (nuint)buffer.Length, DoNotWait) > 0;

    public void Dispose()
    {
        _switch?.Dispose();
        _relay?.Dispose();
        foreach (var socket in _sockets)
            socket.Dispose();
    }

    /// <summary>A socket in the group, as QEMU makes it: whoever sends hears himself too.</summary>
    private static Socket Join()
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        socket.Bind(Group);
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.AddMembership, new MulticastOption(Group.Address, IPAddress.Loopback));
        socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.MulticastInterface, IPAddress.Loopback.GetAddressBytes());
        socket.MulticastLoopback = true;
        return socket;
    }

    private static byte[] BytesOf(EndPoint end)
    {
        var address = end.Serialize();
        return address.Buffer[..address.Size].ToArray();
    }

    private static PortIdentity Identity(int peer) => new(0x525400000001UL + (uint)peer, Gateway + 3 + (uint)peer);

    [LibraryImport("libc")]
    private static partial nint sendto(int file, byte[] bytes, nuint length, int flags, byte[] to, uint toLength);

    [LibraryImport("libc")]
    private static partial nint recv(int file, byte[] bytes, nuint length, int flags);
}
