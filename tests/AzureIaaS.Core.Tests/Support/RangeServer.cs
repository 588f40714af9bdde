using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace AzureIaaS.Tests.Support;

/// <summary>A small web server on the loopback that serves a folder's files, by ranges.</summary>
internal sealed class RangeServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string _folder;
    private int _toFail;

    public RangeServer(string folder)
    {
        _folder = folder;
        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>Whether it serves ranges, or whole files only.</summary>
    public bool HasRanges { get; set; } = true;

    /// <summary>How many bytes of content it has sent.</summary>
    public long Sent;

    public string this[string name] => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/{name}";

    /// <summary>The next so many requests fail: every other with an error, every other by hanging up.</summary>
    public void Fail(int requests) => _toFail = requests;

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // It was disposed.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            await using var stream = client.GetStream();
            using var reader = new StreamReader(stream, Encoding.ASCII, false, 4096, leaveOpen: true);
            try
            {
                while (await reader.ReadLineAsync() is { Length: > 0 } first)
                {
                    string? range = null;
                    while (await reader.ReadLineAsync() is { Length: > 0 } header)
                        range = header.StartsWith("Range: bytes=", StringComparison.OrdinalIgnoreCase) ? header[13..] : range;
                    var failing = Interlocked.Decrement(ref _toFail);
                    if (failing >= 0 && failing % 2 == 0)
                        return;
                    if (failing >= 0)
                        await stream.WriteAsync("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
                    else
                        await AnswerAsync(stream, first.Split(' ')[1].Split('?')[0].TrimStart('/'), range);
                }
            }
            catch (IOException)
            {
                // The client has gone.
            }
        }
    }

    private async Task AnswerAsync(NetworkStream stream, string name, string? range)
    {
        var path = Path.Combine(_folder, name);
        if (!File.Exists(path))
        {
            await stream.WriteAsync("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"u8.ToArray());
            return;
        }

        var info = new FileInfo(path);
        var (from, to) = range is null || !HasRanges ? (0, info.Length - 1)
            : (long.Parse(range.Split('-')[0], CultureInfo.InvariantCulture), Math.Min(info.Length - 1, long.Parse(range.Split('-')[1], CultureInfo.InvariantCulture)));
        var head = HasRanges ? $"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {from}-{to}/{info.Length}\r\n" : "HTTP/1.1 200 OK\r\n";
        var bytes = new byte[to - from + 1];
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite))
            RandomAccess.Read(file, bytes, from);
        await stream.WriteAsync(Encoding.ASCII.GetBytes($"{head}ETag: \"{info.LastWriteTimeUtc.Ticks:x}\"\r\nContent-Length: {bytes.Length}\r\n\r\n"));
        Interlocked.Add(ref Sent, bytes.Length);
        await stream.WriteAsync(bytes);
    }
}
