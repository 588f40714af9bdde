using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace AzureIaaS.Azure.Tests.Support;

/// <summary>Passes bytes on between clients and a server on this computer, and breaks a client's connection as a network does: with a reset, and no word.</summary>
internal sealed class BreakableRelay : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentDictionary<int, TcpClient> _clients = new();
    private readonly int _server;

    public BreakableRelay(int server)
    {
        _server = server;
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Breaks a connection.</summary>
    /// <param name="port">The port that the server sees it come from.</param>
    public void Break(int port)
    {
        if (!_clients.TryRemove(port, out var client))
            return;
        client.LingerState = new LingerOption(true, 0);   // what makes it a reset
        client.Close();
    }

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = RelayAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Disposed while it waited.
        }
    }

    private async Task RelayAsync(TcpClient client)
    {
        using (client)
        using (var server = new TcpClient())
        {
            try
            {
                await server.ConnectAsync(IPAddress.Loopback, _server);
                _clients[((IPEndPoint)server.Client.LocalEndPoint!).Port] = client;
                await Task.WhenAny(client.GetStream().CopyToAsync(server.GetStream()), server.GetStream().CopyToAsync(client.GetStream()));
            }
            catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
            {
                // One end is gone; the other one follows.
            }
        }
    }
}
