using System.Net;
using System.Net.Http.Headers;

namespace AzureIaaS.Disks;

/// <summary>
/// A file at an http(s) address, read by ranges (RFC 9110, section 14), which its server must offer. Small reads are rounded up and kept for a while,
/// since tables are read entry by entry. Should the file change under the reader, reading fails: the ETag, or else the time of its last change, is
/// compared with every answer.
/// </summary>
internal sealed class RemoteFile : IFileBytes
{
    private const int PieceSize = 256 << 10;
    private const int PiecesKept = 32;
    private const int MostAttempts = 4;
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(60);

    private readonly string _address;
    private readonly HttpClient _client;
    private readonly object _gate = new();
    private readonly Dictionary<long, (byte[] Bytes, long Used)> _pieces = [];
    private long _uses;

    private RemoteFile(string address, HttpClient client)
    {
        _address = address;
        _client = client;
    }

    /// <summary>The length in bytes.</summary>
    public long Length { get; private set; }

    /// <summary>When it was last changed; the Unix epoch where the server does not say.</summary>
    public DateTimeOffset LastModified { get; private set; } = DateTimeOffset.UnixEpoch;

    /// <summary>What the server calls this version of it; null where it calls it nothing.</summary>
    public string? Tag { get; private set; }

    /// <summary>Asks for the file.</summary>
    /// <param name="address">The address.</param>
    /// <exception cref="DiskImageException">It is not there, its server cannot be reached, or serves no ranges.</exception>
    public static RemoteFile Open(string address)
    {
        if (!Uri.TryCreate(address, UriKind.Absolute, out var uri) || uri.UserInfo.Length > 0)
            throw DiskErrors.Unreadable(address, "this is no address that can be read", "Give http://HOST/PATH or https://HOST/PATH, without a user or password in it.");
        var file = new RemoteFile(address, NewClient());
        try
        {
            file.Look();
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Whether there is a file at an address that may be read; storage that lists nothing says that a missing one is forbidden.</summary>
    /// <param name="address">The address.</param>
    /// <exception cref="DiskImageException">Its server cannot be reached.</exception>
    public static bool Exists(string address)
    {
        using var file = new RemoteFile(address, NewClient());
        using var response = file.Send(new RangeHeaderValue(0, 0), "it cannot be asked for");
        return response.StatusCode is not (HttpStatusCode.NotFound or HttpStatusCode.Forbidden or HttpStatusCode.Gone);
    }

    /// <summary>Fills the buffer; the range lies in the file.</summary>
    /// <param name="offset">Where to start, in bytes.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    public void Read(long offset, Span<byte> buffer)
    {
        if (buffer.Length >= PieceSize)
        {
            Fetch(offset, buffer);
            return;
        }

        while (!buffer.IsEmpty)
        {
            var (index, within) = Math.DivRem(offset, PieceSize);
            var piece = PieceAt(index).AsSpan((int)within);
            var part = piece[..Math.Min(piece.Length, buffer.Length)];
            part.CopyTo(buffer);
            buffer = buffer[part.Length..];
            offset += part.Length;
        }
    }

    public void Dispose() => _client.Dispose();

    /// <summary>A redirection is followed, but not to where a header of ours would be of use to somebody: none is sent.</summary>
    private static HttpClient NewClient() =>
        new(new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.None, ConnectTimeout = AnswerWithin }) { Timeout = AnswerWithin };

    private byte[] PieceAt(long index)
    {
        lock (_gate)
        {
            if (_pieces.TryGetValue(index, out var known))
            {
                _pieces[index] = (known.Bytes, ++_uses);
                return known.Bytes;
            }
        }

        var bytes = new byte[Math.Min(PieceSize, Length - (index * PieceSize))];
        Fetch(index * PieceSize, bytes);
        lock (_gate)
        {
            if (_pieces.Count >= PiecesKept)
                _pieces.Remove(_pieces.MinBy(p => p.Value.Used).Key);
            _pieces[index] = (bytes, ++_uses);
        }

        return bytes;
    }

    private void Look()
    {
        using var response = Send(new RangeHeaderValue(0, 0), "it cannot be asked for");
        if (response.StatusCode != HttpStatusCode.PartialContent || response.Content.Headers.ContentRange is not { Length: { } length } || response.Content.Headers.ContentEncoding.Count > 0)
        {
            throw DiskErrors.Unreadable(_address, response.IsSuccessStatusCode ? "its server gives whole files only, and no ranges of them" : $"its server says {(int)response.StatusCode} {response.ReasonPhrase}",
                response.IsSuccessStatusCode ? "Download the file and import that." : "Check the address, and whether it may be read without signing in.");
        }

        if (length == 0)
            throw DiskErrors.Unreadable(_address, "the file is empty", "Copy or export the image again: nothing of it arrived.");
        Length = length;
        LastModified = response.Content.Headers.LastModified ?? LastModified;
        Tag = response.Headers.ETag?.Tag;
    }

    private void Fetch(long offset, Span<byte> buffer)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                using var response = Send(new RangeHeaderValue(offset, offset + buffer.Length - 1), $"reading failed at byte {offset}");
                Check(response, offset, buffer.Length);
                using var stream = response.Content.ReadAsStream();
                stream.ReadExactly(buffer);
                return;
            }
            catch (Exception e) when (e is IOException or HttpRequestException or TransientException && attempt < MostAttempts)
            {
                Thread.Sleep(TimeSpan.FromMilliseconds(100 << attempt));
            }
            catch (Exception e) when (e is IOException or HttpRequestException or TransientException)
            {
                throw DiskErrors.Unreadable(_address, $"reading failed at byte {offset}: {e.Message}", "Check the network and the server, then try again; what was copied stays.", e);
            }
        }
    }

    private void Check(HttpResponseMessage response, long offset, int length)
    {
        if ((int)response.StatusCode is >= 500 or 408 or 429)
            throw new TransientException($"the server says {(int)response.StatusCode} {response.ReasonPhrase}");
        var range = response.Content.Headers.ContentRange;
        var isSame = response.Headers.ETag?.Tag == Tag && (response.Content.Headers.LastModified ?? DateTimeOffset.UnixEpoch) == LastModified;
        if (response.StatusCode != HttpStatusCode.PartialContent || range?.From != offset || range.To != offset + length - 1 || range.Length != Length || !isSame)
        {
            throw DiskErrors.Unreadable(_address, response.IsSuccessStatusCode ? "the file has changed while it was read" : $"its server says {(int)response.StatusCode} {response.ReasonPhrase}",
                "Make sure that nothing replaces the file meanwhile, then try again.");
        }
    }

    private HttpResponseMessage Send(RangeHeaderValue range, string problem)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, _address);
        request.Headers.Range = range;
        request.Headers.AcceptEncoding.Add(new StringWithQualityHeaderValue("identity"));
        try
        {
            return _client.Send(request, HttpCompletionOption.ResponseHeadersRead);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException && Length == 0)
        {
            throw DiskErrors.Unreadable(_address, $"{problem}: {e.Message}", "Check the address, the network and the server.", e);
        }
        catch (OperationCanceledException e)
        {
            throw new TransientException(e.Message);   // the client's own limit of time
        }
    }

    private sealed class TransientException(string message) : Exception(message);
}
