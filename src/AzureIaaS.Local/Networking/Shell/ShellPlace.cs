using System.Net;
using System.Net.Sockets;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Networking.Shell;

/// <summary>
/// The place that a command of this computer's has on a network: a port of its switch, for as long as it is connected to that. A switch that was
/// started anew is asked for it again, so the command's connections survive as the guests' do.
/// </summary>
internal sealed class ShellPlace : IDisposable
{
    private static readonly TimeSpan AskAgainAfter = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LookAgainAfter = TimeSpan.FromMilliseconds(20);

    private readonly NetworkKeeper _networks;
    private readonly VirtualNetwork _network;
    private readonly IProgress<Notice> _notices;
    private readonly CancellationTokenSource _end = new();
    private readonly Thread _keeper;
    private volatile Port _port;

    private ShellPlace(NetworkKeeper networks, VirtualNetwork network, IProgress<Notice> notices, Port port)
    {
        (_networks, _network, _notices, _port) = (networks, network, notices, port);
        _keeper = new Thread(Keep) { IsBackground = true, Name = "network shell's place" };
        _keeper.Start();
    }

    /// <summary>Its address.</summary>
    public string Address => _port.Given.Address!;

    /// <summary>Its hardware address.</summary>
    public string MacAddress => _port.Given.MacAddress!;

    /// <summary>A folder for what the command needs, gone with the switch.</summary>
    public string Folder => Path.GetDirectoryName(_port.Given.Peer!)!;

    /// <summary>Takes the place. To be called before the command's namespaces are made: a switch that is started from here must not be born into them.</summary>
    /// <param name="networks">Knows the switches.</param>
    /// <param name="network">The network.</param>
    /// <param name="notices">Receives what becomes of the switch.</param>
    /// <param name="cancellation">Stops waiting for it.</param>
    /// <exception cref="IaaSException">Another command has it, or the switch does not answer.</exception>
    public static async Task<ShellPlace> TakeAsync(NetworkKeeper networks, VirtualNetwork network, IProgress<Notice> notices, CancellationToken cancellation) =>
        new(networks, network, notices, await AskAsync(networks, network, notices, cancellation));

    /// <summary>Sends a frame; one that finds no switch is lost, as on any wire.</summary>
    public void Send(ReadOnlySpan<byte> frame)
    {
        try
        {
            _port.Socket.SendTo(frame, SocketFlags.None, _port.Switch);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The switch is being replaced.
        }
    }

    /// <summary>The next frame.</summary>
    /// <returns>Its length; null at the end.</returns>
    public int? Receive(Span<byte> frame)
    {
        while (!_end.IsCancellationRequested)
        {
            try
            {
                var length = _port.Socket.Receive(frame, SocketFlags.None, out var error);
                if (error == SocketError.Success)
                    return length;
            }
            catch (ObjectDisposedException)
            {
                // This port is no more, and the next is being asked for; or this is the end.
            }

            _end.Token.WaitHandle.WaitOne(LookAgainAfter);
        }

        return null;
    }

    public void Dispose()
    {
        _end.Cancel();
        _port.Connection.Dispose();
        _keeper.Join();
        _port.Dispose();
        _end.Dispose();
    }

    private void Keep()
    {
        while (!_end.IsCancellationRequested)
        {
            _port.Connection.WaitForEnd();
            _port.Dispose();   // before there is another: it takes its path along
            // The watcher, where there is one, starts the next switch; and the lock of the former goes a moment after its connections.
            if (_end.Token.WaitHandle.WaitOne(AskAgainAfter))
                return;
            try
            {
                _port = AskAsync(_networks, _network, _notices, _end.Token).GetAwaiter().GetResult();
                _notices.Report(Notice.Verbose($"{_network.Name}: the switch was replaced, and the command has its place again."));
            }
            catch (IaaSException e)
            {
                _notices.Report(Notice.Warning($"The command is not on the network: {e.Message}"));
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private static async Task<Port> AskAsync(NetworkKeeper networks, VirtualNetwork network, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var connection = await networks.ConnectAsync(network.Id, notices, cancellation);
        try
        {
            var given = await connection.AskAsync(new SwitchRequest { Command = SwitchCommand.Attach }, cancellation);
            return given?.Peer is not null ? new Port(connection, given)
                : throw new IaaSException(ErrorKind.Busy, "NetworkShellTaken", $"There is no place on network '{network.Name}': {(given is { Problems: [var problem, ..] } ? problem : "its switch has ended.")}",
                    "Wait for the other command to end, then try again.", network.Name);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>A port as one switch has given it.</summary>
    private sealed class Port : IDisposable
    {
        public Port(SwitchClient connection, SwitchResponse given)
        {
            (Connection, Given) = (connection, given);
            Switch = new UnixDomainSocketEndPoint(given.Listen!).Serialize();
            File.Delete(given.Peer!);
            Socket.Bind(new UnixDomainSocketEndPoint(given.Peer!));
        }

        public SwitchClient Connection { get; }

        public SwitchResponse Given { get; }

        public Socket Socket { get; } = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);

        public SocketAddress Switch { get; }

        public void Dispose()
        {
            Socket.Dispose();
            Connection.Dispose();
        }
    }
}
