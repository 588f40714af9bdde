using System.Net;
using System.Net.Sockets;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Networking;
using AzureIaaS.Local.Networking.Egress;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;
using AzureIaaS.Networks;

namespace AzureIaaS.Local.Tests.Networking;

/// <summary>A switch without machines: its members are sockets of the test's own, which speak as a QEMU does.</summary>
internal sealed class Wires : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("azureiaas-").FullName;
    private readonly Dictionary<int, Socket> _sockets = [];

    public Wires(int members, bool isolated = true, string suffix = "corp.example")
    {
        Plan = PlanOf(members, isolated, suffix);
        for (var i = 0; i < members; i++)
            Plug(i);
        Start();
    }

    public SwitchPlan Plan { get; set; }

    public NetworkSwitch Switch { get; private set; } = null!;

    public List<PortIdentity> Leased { get; } = [];

    public PortIdentity this[int member] => Plan.Members[member].Identity;

    public NetworkFiles Files => new(_folder, Path.Combine(_folder, "log"));

    public static SwitchPlan PlanOf(int members, bool isolated = true, string suffix = "corp.example")
    {
        var gateway = Address("10.20.0.1");
        return new SwitchPlan
        {
            Network = new VirtualNetwork { Id = Guid.NewGuid(), Name = "corp", Subnet = "10.20.0.0/24", GatewayAddress = "10.20.0.1", DnsSuffix = suffix, Isolated = isolated },
            Gateway = new PortIdentity(SlirpEgress.MacOf(gateway), gateway),
            Subnet = Address("10.20.0.0"),
            Mask = 0xFFFFFF00,
            DnsSuffix = suffix,
            Members = [.. Enumerable.Range(0, members).Select(i => new SwitchMember(Guid.NewGuid(), "nic0", new PortIdentity(0x525400000001UL + (uint)i, gateway + 3 + (uint)i), $"vm{i}", []))],
        };
    }

    public static uint Address(string text) => AddressPool.ToNumber(IPAddress.Parse(text));

    public void Start()
    {
        var places = Plan with { Members = [.. Plan.Members.Select((m, i) => m with { Places = [new PortPlace(Listen(i), Peer(i))] })] };
        Switch = new NetworkSwitch(places, Files, Leased.Add);
    }

    /// <summary>Makes the socket of a member, as its QEMU would when it starts.</summary>
    public void Plug(int member)
    {
        if (_sockets.Remove(member, out var old))
            old.Dispose();
        File.Delete(Peer(member));
        var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 5000, SendTimeout = 5000 };
        socket.Bind(new UnixDomainSocketEndPoint(Peer(member)));
        _sockets[member] = socket;
    }

    /// <summary>Sends a frame as a member; one that finds nobody is lost.</summary>
    public bool Send(int member, ReadOnlySpan<byte> frame)
    {
        try
        {
            _sockets[member].SendTo(frame, new UnixDomainSocketEndPoint(Listen(member)));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Sends a frame to a member's port from a socket that is nobody's.</summary>
    /// <returns>What the kernel says.</returns>
    public SocketError SendAsStranger(int member, ReadOnlySpan<byte> frame)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            socket.SendTo(frame, new UnixDomainSocketEndPoint(Listen(member)));
            return SocketError.Success;
        }
        catch (SocketException e)
        {
            return e.SocketErrorCode;
        }
    }

    /// <summary>The next frame that a member gets; null when none comes.</summary>
    public byte[]? Receive(int member, int milliseconds = 5000)
    {
        var buffer = new byte[FramePool.SlotSize];
        if (!_sockets[member].Poll(TimeSpan.FromMilliseconds(milliseconds), SelectMode.SelectRead))
            return null;
        return buffer[.._sockets[member].Receive(buffer)];
    }

    /// <summary>A frame from one member to another with a UDP datagram.</summary>
    public byte[] Udp(int from, int to, string text, ushort port = 9999) => Udp(this[from], this[to], System.Text.Encoding.ASCII.GetBytes(text), 1234, port);

    public static byte[] Udp(PortIdentity from, PortIdentity to, ReadOnlySpan<byte> data, ushort fromPort, ushort toPort)
    {
        var frame = new byte[Frame.Header + Ipv4.ShortestHeader + 8 + data.Length];
        Frame.Write(frame, to.Mac, from.Mac, Frame.Ipv4);
        Ipv4.WriteUdp(frame.AsSpan(Frame.Header), from.Address, fromPort, to.Address, toPort, data);
        return frame;
    }

    /// <summary>A frame with a packet of a protocol.</summary>
    public static byte[] Transport(PortIdentity from, PortIdentity to, byte protocol, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[Frame.Header + Ipv4.ShortestHeader + payload.Length];
        Frame.Write(frame, to.Mac, from.Mac, Frame.Ipv4);
        payload.CopyTo(frame.AsSpan(Frame.Header + Ipv4.ShortestHeader));
        Ipv4.WriteHeader(frame.AsSpan(Frame.Header), Ipv4.ShortestHeader + payload.Length, protocol, from.Address, to.Address);
        return frame;
    }

    public static string? TextOf(byte[]? frame) =>
        frame is not null && Ipv4.TryRead(frame, out var packet) && packet.TryReadUdp(out var data) ? System.Text.Encoding.ASCII.GetString(data) : null;

    public void Dispose()
    {
        Switch.Dispose();
        foreach (var socket in _sockets.Values)
            socket.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    private string Listen(int member) => Path.Combine(_folder, $"{member}.net");

    private string Peer(int member) => Path.Combine(_folder, $"{member}.nic");
}
