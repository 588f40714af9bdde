using System.Net.Sockets;
using System.Text;

namespace AzureIaaS.Guests.Testing;

/// <summary>Commands typed on a Linux guest's serial console.</summary>
public static class LinuxConsole
{
    private const string Done = "guest: done ";
    private const string Output = "guest: | ";

    /// <summary>Types a command, and waits for its end. One at a time.</summary>
    /// <param name="socketPath">The socket that the serial port is at.</param>
    /// <param name="command">A line for the shell.</param>
    /// <param name="patience">How long it may take.</param>
    /// <param name="cancellation">Ends the waiting; the command goes on.</param>
    /// <returns>What it has written.</returns>
    /// <exception cref="TimeoutException">It has not ended in time.</exception>
    /// <exception cref="EndOfStreamException">The guest's process has ended.</exception>
    public static async Task<string> TypeAsync(string socketPath, string command, TimeSpan patience, CancellationToken cancellation = default)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation);
        await socket.SendAsync(Encoding.UTF8.GetBytes(command + "\n"), cancellation);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(patience);
        var (said, buffer) = (new StringBuilder(), new byte[4096]);
        try
        {
            while (!said.ToString().Contains(Done, StringComparison.Ordinal))
            {
                var count = await socket.ReceiveAsync(buffer, limit.Token);
                if (count == 0)
                    throw new EndOfStreamException($"The guest ended during '{command}'; it said: {said}");
                said.Append(Encoding.UTF8.GetString(buffer, 0, count));
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException($"The guest did not end '{command}' within {patience.TotalSeconds:0} seconds; it said: {said}");
        }

        var lines = said.ToString().ReplaceLineEndings("\n").Split('\n').Where(l => l.StartsWith(Output, StringComparison.Ordinal)).Select(l => l[Output.Length..]);
        return string.Join('\n', lines);
    }
}
