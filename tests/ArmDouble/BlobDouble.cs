using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace AzureIaaS.ArmDouble;

/// <summary>Where the bytes behind a disk are: this double's memory, or a storage emulator.</summary>
public interface IBlobs
{
    /// <summary>Makes a page blob of zeros.</summary>
    Task CreateAsync(string name, long length);

    /// <summary>Gives access to it for a while.</summary>
    Uri Grant(string name, DateTimeOffset expiry, bool write);

    /// <summary>Reads from it.</summary>
    Task<byte[]> ReadAsync(string name, long offset, int length);

    /// <summary>Makes a blob with what another one holds.</summary>
    Task CopyAsync(string from, string to);

    /// <summary>Ends all access to it.</summary>
    void Revoke(string name);
}

/// <summary>
/// Page blobs in memory, with the service's own rules for pages: aligned to 512 bytes, 4 MiB at most, digests compared, signatures that end.
/// Only pages that were written take memory.
/// </summary>
public sealed class BlobDouble(Uri address) : IBlobs
{
    private const int PageSize = 512;

    private readonly ConcurrentDictionary<string, Blob> _blobs = new();

    /// <summary>How many bytes were sent in pages that were taken.</summary>
    public long BytesTaken { get; private set; }

    public Task CreateAsync(string name, long length)
    {
        _blobs[name] = new Blob(length);
        return Task.CompletedTask;
    }

    public Uri Grant(string name, DateTimeOffset expiry, bool write)
    {
        var blob = _blobs[name];
        lock (blob)
        {
            blob.Signature = Convert.ToHexString(RandomNumberGenerator.GetBytes(16));
            blob.Expiry = expiry;
        }

        return new Uri(address, $"/blobs/{name}?sv=2021-08-06&sr=b&sp={(write ? "rw" : "r")}&se={Uri.EscapeDataString(expiry.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture))}&sig={blob.Signature}");
    }

    public Task CopyAsync(string from, string to)
    {
        if (_blobs.TryGetValue(from, out var source))
        {
            var copy = new Blob(source.Length);
            lock (source)
            {
                foreach (var (at, page) in source.Pages)
                    copy.Pages[at] = page;
            }

            _blobs[to] = copy;
        }

        return Task.CompletedTask;
    }

    public void Revoke(string name)
    {
        if (_blobs.TryGetValue(name, out var blob))
            blob.Signature = null;
    }

    public Task<byte[]> ReadAsync(string name, long offset, int length) => Task.FromResult(_blobs[name].Read(offset, length));

    /// <summary>Answers a request to a blob; null when it is not to one.</summary>
    public Answer? Handle(Request request, DateTimeOffset now)
    {
        if (!request.Path.StartsWith("/blobs/", StringComparison.Ordinal))
            return null;
        if (!_blobs.TryGetValue(request.Path["/blobs/".Length..], out var blob))
            return Trouble(404, "BlobNotFound");
        if (blob.Signature is null || request.Query("sig") != blob.Signature || now >= blob.Expiry)
            return Trouble(403, "AuthenticationFailed");
        return request.Method switch
        {
            "PUT" when request.Query("comp") == "page" => Put(blob, request),
            "GET" when request.Query("comp") == "pagelist" => List(blob),
            "GET" => Get(blob, request),
            _ => Trouble(405, "UnsupportedHttpVerb"),
        };
    }

    private Answer Put(Blob blob, Request request)
    {
        var (start, end) = RangeOf(request);
        var length = end - start + 1;
        if (request.Headers.GetValueOrDefault("x-ms-page-write") == "clear")
        {
            lock (blob)
            {
                for (var at = start; at < end; at += PageSize)
                    blob.Pages.Remove(at);
            }

            return request.Body.Length == 0 ? Answer.Of(201) : Trouble(400, "InvalidHeaderValue");
        }

        if (start % PageSize != 0 || length % PageSize != 0 || length != request.Body.Length || end >= blob.Length)
            return Trouble(416, "InvalidPageRange");
        if (length > 4 << 20)
            return Trouble(413, "RequestBodyTooLarge");
        var checksum = PageChecksum.Of(request.Body);
        if (request.Headers.TryGetValue("x-ms-content-crc64", out var given) && given != checksum)
            return Trouble(400, "Crc64Mismatch");
        lock (blob)
        {
            for (var i = 0; i < length; i += PageSize)
                blob.Pages[start + i] = request.Body[i..(i + PageSize)];
            BytesTaken += length;
        }

        return Answer.Of(201, null, ("x-ms-content-crc64", checksum));
    }

    private static Answer List(Blob blob)
    {
        var text = new StringBuilder("<?xml version=\"1.0\" encoding=\"utf-8\"?><PageList>");
        lock (blob)
        {
            foreach (var at in blob.Pages.Keys)   // neighbours are not merged, as in the emulator
                text.Append(CultureInfo.InvariantCulture, $"<PageRange><Start>{at}</Start><End>{at + PageSize - 1}</End></PageRange>");
        }

        return new Answer(200, Encoding.UTF8.GetBytes(text.Append("</PageList>").ToString()), new() { ["Content-Type"] = "application/xml" });
    }

    private static Answer Get(Blob blob, Request request)
    {
        var (start, end) = request.Headers.ContainsKey("x-ms-range") ? RangeOf(request) : (0, blob.Length - 1);
        return new Answer(206, blob.Read(start, (int)(end - start + 1)), []);
    }

    private static (long Start, long End) RangeOf(Request request)
    {
        var parts = request.Headers["x-ms-range"]["bytes=".Length..].Split('-');
        return (long.Parse(parts[0], CultureInfo.InvariantCulture), long.Parse(parts[1], CultureInfo.InvariantCulture));
    }

    private static Answer Trouble(int status, string code) => Answer.Of(status, null, ("x-ms-error-code", code));

    private sealed class Blob(long length)
    {
        public long Length { get; } = length;

        public SortedDictionary<long, byte[]> Pages { get; } = [];

        public string? Signature { get; set; }

        public DateTimeOffset Expiry { get; set; }

        public byte[] Read(long offset, int count)
        {
            var all = new byte[count];
            lock (this)
            {
                for (var at = offset / PageSize * PageSize; at < offset + count; at += PageSize)
                {
                    if (!Pages.TryGetValue(at, out var page))
                        continue;
                    var from = Math.Max(at, offset);
                    var to = Math.Min(at + PageSize, offset + count);
                    page.AsSpan((int)(from - at), (int)(to - from)).CopyTo(all.AsSpan((int)(from - offset)));
                }
            }

            return all;
        }
    }
}
