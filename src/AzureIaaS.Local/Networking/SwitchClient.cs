using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using AzureIaaS.Local.Fabric;

namespace AzureIaaS.Local.Networking;

/// <summary>A connection to a network's switch. What a command has opened stays open until this is disposed.</summary>
internal sealed class SwitchClient : IDisposable
{
    private const int LongestAnswer = 4 << 20;
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(20);

    private readonly Socket _socket;
    private readonly StreamReader _reader;

    private SwitchClient(Socket socket)
    {
        _socket = socket;
        _reader = new StreamReader(new NetworkStream(socket, ownsSocket: true), Encoding.UTF8);
    }

    /// <summary>Connects.</summary>
    /// <param name="files">The switch's files.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The connection; null when no switch runs.</returns>
    public static async Task<SwitchClient?> ConnectAsync(NetworkFiles files, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(files.Control), cancellation);
            return new SwitchClient(socket);
        }
        catch (SocketException)
        {
            socket.Dispose();
            return null;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Gives a command.</summary>
    /// <param name="request">The command.</param>
    /// <param name="cancellation">Stops waiting for the answer.</param>
    /// <returns>The answer; null when the switch has ended meanwhile.</returns>
    public async Task<SwitchResponse?> AskAsync(SwitchRequest request, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(AnswerWithin);
        try
        {
            ReadOnlyMemory<byte> line = Encoding.UTF8.GetBytes(JsonSerializer.Serialize(request, SwitchJson.Default.SwitchRequest) + "\n");
            while (!line.IsEmpty)
                line = line[await _socket.SendAsync(line, limit.Token)..];
            var answer = await _reader.ReadLineAsync(limit.Token);
            return answer is null || answer.Length > LongestAnswer ? null : JsonSerializer.Deserialize(answer, SwitchJson.Default.SwitchResponse);
        }
        catch (Exception e) when (e is IOException or SocketException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <summary>Waits until the switch has ended, or this is disposed: nothing comes that was not asked for.</summary>
    public void WaitForEnd()
    {
        try
        {
            _socket.Receive(new byte[1], SocketFlags.None, out _);
        }
        catch (ObjectDisposedException)
        {
            // The end of this side.
        }
    }

    public void Dispose() => _reader.Dispose();
}
