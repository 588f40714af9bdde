using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace AzureIaaS.Benchmarks.Failover;

/// <summary>A QMP monitor as one would use it by hand: a line out, lines in. Events are kept with the time that QEMU itself gives them.</summary>
internal sealed class BareMonitor : IDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Socket _socket;
    private readonly BlockingCollection<JsonElement> _answers = [];
    private readonly ConcurrentQueue<(string Name, double Seconds)> _events = new();

    private BareMonitor(Socket socket)
    {
        _socket = socket;
        _ = Task.Run(ReceiveAsync);
    }

    /// <summary>Connects as soon as somebody listens.</summary>
    /// <param name="path">The socket's path.</param>
    public static async Task<BareMonitor> ConnectAsync(string path)
    {
        for (var waited = TimeSpan.Zero; waited < Patience; waited += LookEvery)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
                var monitor = new BareMonitor(socket);
                monitor._answers.Take();   // the greeting
                monitor.Execute("""{"execute":"qmp_capabilities"}""");
                return monitor;
            }
            catch (SocketException)
            {
                socket.Dispose();   // not there, or nobody listens yet
            }

            await Task.Delay(LookEvery);
        }

        throw new InvalidOperationException($"Nobody listens at {path}.");
    }

    /// <summary>Sends a command, and waits for its answer.</summary>
    /// <param name="command">The command, as it goes over the wire.</param>
    /// <returns>What it returns.</returns>
    public JsonElement Execute(string command)
    {
        _socket.Send(Encoding.UTF8.GetBytes(command + "\n"));
        var answer = _answers.Take();
        return answer.TryGetProperty("return", out var value) ? value : throw new InvalidOperationException($"{command}: {answer}");
    }

    /// <summary>When an event last happened, in seconds since 1970 by QEMU's own clock; waits for it if need be.</summary>
    /// <param name="name">The event's name.</param>
    public async Task<double> TimeOfAsync(string name)
    {
        for (var waited = TimeSpan.Zero; waited < Patience; waited += LookEvery)
        {
            if (_events.LastOrDefault(e => e.Name == name) is { Name: not null } found)
                return found.Seconds;
            await Task.Delay(LookEvery);
        }

        throw new InvalidOperationException($"There was no {name}.");
    }

    public void Dispose() => _socket.Dispose();

    private async Task ReceiveAsync()
    {
        try
        {
            using var reader = new StreamReader(new NetworkStream(_socket));
            while (await reader.ReadLineAsync() is { } line)
                Take(JsonDocument.Parse(line).RootElement);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
            // The process has ended, or nobody listens to it any more.
        }
    }

    private void Take(JsonElement message)
    {
        if (!message.TryGetProperty("event", out var name))
        {
            _answers.Add(message);
            return;
        }

        var time = message.GetProperty("timestamp");
        _events.Enqueue((name.GetString()!, time.GetProperty("seconds").GetDouble() + (time.GetProperty("microseconds").GetDouble() / 1e6)));
    }
}
