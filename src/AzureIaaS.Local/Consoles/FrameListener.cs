using System.Buffers.Binary;
using System.Net.Sockets;
using AzureIaaS.Local.Fabric;

namespace AzureIaaS.Local.Consoles;

/// <summary>
/// Listens where a machine's adapters send their frames, while nobody else does: a guest that asks for an address lives. Firmware that boots
/// from a disk sends nothing.
/// </summary>
internal sealed class FrameListener : IDisposable
{
    private readonly List<Socket> _sockets = [];
    private readonly List<string> _paths = [];

    /// <summary>Begins to listen at every adapter whose peer is free.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="adapters">The adapters' names.</param>
    /// <param name="wanted">Whether to listen at all.</param>
    public FrameListener(MachineFiles files, IReadOnlyList<string> adapters, bool wanted)
    {
        if (!wanted || !Directory.Exists(files.Run))
            return;
        foreach (var path in adapters.Select(files.AdapterPeer).Where(p => !IsTaken(p)))
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
            try
            {
                socket.Bind(new UnixDomainSocketEndPoint(path));
                _sockets.Add(socket);
                _paths.Add(path);
            }
            catch (SocketException)
            {
                socket.Dispose();   // somebody was faster: one sign less
            }
        }
    }

    /// <summary>Whether somebody listens there. What was left by somebody who was killed is cleared away.</summary>
    private static bool IsTaken(string path)
    {
        if (!File.Exists(path))
            return false;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            File.Delete(path);
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    /// <summary>Whether a guest has asked for an address.</summary>
    /// <returns>What was seen, as a sentence's end; null for nothing.</returns>
    public string? Seen()
    {
        Span<byte> frame = stackalloc byte[2048];
        foreach (var socket in _sockets)
        {
            // Bounded: a guest may send faster than anyone reads.
            for (var i = 0; i < 256 && socket.Available > 0; i++)
            {
                var length = socket.Receive(frame, SocketFlags.None, out var error);
                if (error == SocketError.Success && IsDhcp(frame[..length]))
                    return "it asked for a network address (DHCP)";
            }
        }

        return null;
    }

    public void Dispose()
    {
        _sockets.ForEach(s => s.Dispose());
        _paths.ForEach(File.Delete);
    }

    /// <summary>Whether a frame is IPv4, UDP, from port 68 to port 67 (RFC 2131, section 4.1).</summary>
    internal static bool IsDhcp(ReadOnlySpan<byte> frame)
    {
        const int Ethernet = 14;
        if (frame.Length < Ethernet + 28 || BinaryPrimitives.ReadUInt16BigEndian(frame[12..]) != 0x0800 || frame[Ethernet] >> 4 != 4 || frame[Ethernet + 9] != 17)
            return false;
        var header = (frame[Ethernet] & 0xF) * 4;
        if (header < 20 || frame.Length < Ethernet + header + 8)
            return false;
        var udp = frame[(Ethernet + header)..];
        return BinaryPrimitives.ReadUInt16BigEndian(udp) == 68 && BinaryPrimitives.ReadUInt16BigEndian(udp[2..]) == 67;
    }
}
