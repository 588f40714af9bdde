using System.Buffers.Binary;
using System.Net.Sockets;
using System.Text;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>A connection to the IKE daemon (strongSwan's vici protocol). One command at a time; what it streams meanwhile is handed on.</summary>
internal sealed class ViciConnection : IDisposable
{
    private const byte CommandRequest = 0;
    private const byte CommandResponse = 1;
    private const byte EventRegister = 3;
    private const byte EventConfirm = 5;
    private const byte Event = 7;
    private const int LongestPacket = 512 << 10;   // the daemon's own bound

    private readonly NetworkStream _stream;
    private readonly HashSet<string> _registered = [];

    private ViciConnection(Socket socket) => _stream = new NetworkStream(socket, ownsSocket: true);

    /// <summary>Connects.</summary>
    /// <param name="path">The daemon's socket.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="SocketException">It does not listen.</exception>
    public static async Task<ViciConnection> ConnectAsync(string path, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            return new ViciConnection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Gives a command.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="message">What it is told.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>The answer.</returns>
    /// <exception cref="IaaSException">The daemon has not done it.</exception>
    public async Task<ViciSection> RequestAsync(string command, ViciSection message, CancellationToken cancellation)
    {
        await SendAsync(CommandRequest, command, message.Encode(), cancellation);
        while (true)
        {
            var (kind, _, answer) = await ReceiveAsync(cancellation);
            if (kind == Event)
                continue;
            if (kind != CommandResponse)
                throw Failed(command, "it does not know it");
            return answer.Text("success") is null or "yes" ? answer : throw Failed(command, answer.Text("errmsg") ?? "it does not say why");
        }
    }

    /// <summary>Gives a command that answers by a stream of events.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="events">The events' name.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task<IReadOnlyList<ViciSection>> ListAsync(string command, string events, CancellationToken cancellation)
    {
        await RegisterAsync(events, cancellation);
        await SendAsync(CommandRequest, command, [], cancellation);
        var all = new List<ViciSection>();
        while (await ReceiveAsync(cancellation) is var (kind, _, message) && kind == Event)
            all.Add(message);
        return all;
    }

    /// <summary>Asks to be told of events.</summary>
    /// <param name="name">Their name. Asking again changes nothing.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task RegisterAsync(string name, CancellationToken cancellation)
    {
        if (!_registered.Add(name))
            return;   // asked for twice, each would come twice
        await SendAsync(EventRegister, name, [], cancellation);
        while (await ReceiveAsync(cancellation) is var (kind, _, _) && kind == Event)
        {
            // One that was asked for before.
        }
    }

    /// <summary>The next event.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task<(string Name, ViciSection Message)> NextAsync(CancellationToken cancellation)
    {
        var (_, name, message) = await ReceiveAsync(cancellation);
        return (name, message);
    }

    public void Dispose() => _stream.Dispose();

    private static IaaSException Failed(string command, string reason) =>
        new(ErrorKind.Failed, "IkeDaemonRefuses", $"The IKE daemon has not done '{command}': {reason}.", "Check the site's parameters, and the version of strongSwan (5.9 or later).", command);

    private async Task SendAsync(byte kind, string name, byte[] message, CancellationToken cancellation)
    {
        var bytes = Encoding.ASCII.GetBytes(name);
        var packet = new byte[4 + 2 + bytes.Length + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(packet, packet.Length - 4);
        (packet[4], packet[5]) = (kind, (byte)bytes.Length);
        bytes.CopyTo(packet, 6);
        message.CopyTo(packet, 6 + bytes.Length);
        await _stream.WriteAsync(packet, cancellation);
    }

    private async Task<(byte Kind, string Name, ViciSection Message)> ReceiveAsync(CancellationToken cancellation)
    {
        var header = new byte[4];
        await _stream.ReadExactlyAsync(header, cancellation);
        var length = BinaryPrimitives.ReadInt32BigEndian(header);
        if (length is < 1 or > LongestPacket)
            throw new FormatException($"The IKE daemon announces a message of {length} bytes.");
        var packet = new byte[length];
        await _stream.ReadExactlyAsync(packet, cancellation);
        if (packet[0] != Event)
            return (packet[0], "", packet[0] is CommandResponse or EventConfirm ? ViciSection.Decode(packet.AsSpan(1)) : new ViciSection());
        var end = length > 1 ? 2 + packet[1] : length + 1;
        if (end > length)
            throw new FormatException("The IKE daemon tells of an event without its name.");
        return (Event, Encoding.ASCII.GetString(packet, 2, end - 2), ViciSection.Decode(packet.AsSpan(end)));
    }
}
