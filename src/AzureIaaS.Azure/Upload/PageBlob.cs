using System.Globalization;
using System.Xml;
using System.Xml.Linq;
using Azure;
using Azure.Core;
using Azure.Core.Pipeline;

namespace AzureIaaS.Azure.Upload;

/// <summary>
/// The pages of one blob, by its shared access signature (Blob service REST API: Put Page, Get Page Ranges, Get Blob). Every page goes with
/// its checksum, which the service compares before it takes the page. What the service is too busy for is tried again, by less at once.
/// </summary>
internal sealed class PageBlob : IDisposable
{
    /// <summary>What pages are aligned to, in bytes.</summary>
    public const int PageSize = 512;

    /// <summary>The most that one request writes, in bytes.</summary>
    public const int MostPerWrite = 4 << 20;

    private const string Version = "2021-08-06";
    private const string ChecksumHeader = "x-ms-content-crc64";
    private const int MostTries = 8;
    private const int Ok = 200;
    private const int Created = 201;
    private const int PartialContent = 206;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromMilliseconds(800);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(60);

    private readonly HttpPipeline _pipeline;
    private readonly SasAccess _access;
    private readonly ConcurrencyLimit _limit;
    private readonly TimeProvider _time;
    private readonly string _name;
    private long _requests;
    private long _sent;

    /// <summary>Uses a blob.</summary>
    /// <param name="name">What messages call it; never its address, which is a secret.</param>
    /// <param name="access">Its address.</param>
    /// <param name="pipeline">What sends requests; see <see cref="Pipeline"/>.</param>
    /// <param name="limit">How many requests may be under way.</param>
    /// <param name="time">The clock.</param>
    public PageBlob(string name, SasAccess access, HttpPipeline pipeline, ConcurrencyLimit limit, TimeProvider time)
    {
        _name = name;
        _access = access;
        _pipeline = pipeline;
        _limit = limit;
        _time = time;
    }

    /// <summary>How many requests were sent.</summary>
    public long Requests => Interlocked.Read(ref _requests);

    /// <summary>How many bytes of pages the service has taken.</summary>
    public long Sent => Interlocked.Read(ref _sent);

    /// <summary>A pipeline that tells nobody what it sends: the address alone gives access. Trying again is done here, not by it.</summary>
    /// <param name="transport">What carries requests.</param>
    public static HttpPipeline Pipeline(HttpPipelineTransport transport)
    {
        var options = new SilentOptions { Transport = transport, Retry = { MaxRetries = 0, NetworkTimeout = TimeSpan.FromMinutes(2) } };
        options.Diagnostics.IsLoggingEnabled = false;
        options.Diagnostics.IsDistributedTracingEnabled = false;
        options.Diagnostics.IsTelemetryEnabled = false;
        return HttpPipelineBuilder.Build(options);
    }

    /// <summary>Makes sure that there is access.</summary>
    /// <param name="cancellation">Stops it.</param>
    public async Task OpenAsync(CancellationToken cancellation) => await _access.GetAsync(cancellation);

    /// <summary>Writes pages.</summary>
    /// <param name="offset">Where, in bytes; a multiple of <see cref="PageSize"/>.</param>
    /// <param name="data">What; a multiple of <see cref="PageSize"/>, at most <see cref="MostPerWrite"/>.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">The service does not take it.</exception>
    public async Task WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        var checksum = Crc64.Header(data.Span);
        using var response = await SendAsync($"writing at byte {offset:N0}", Created, request =>
        {
            request.Method = RequestMethod.Put;
            request.Uri.AppendQuery("comp", "page");
            request.Headers.Add("x-ms-page-write", "update");
            request.Headers.Add("x-ms-range", Range(offset, data.Length));
            request.Headers.Add(ChecksumHeader, checksum);
            request.Content = RequestContent.Create(data);
        }, cancellation);
        // A service that took other bytes than were sent has said so, or answers with another checksum.
        if (response.Headers.TryGetValue(ChecksumHeader, out var answered) && answered != checksum)
        {
            throw new IaaSException(ErrorKind.InvalidData, "PageDamaged", $"{_name}: what was written at byte {offset:N0} did not arrive as it was sent.",
                "Resume-IaaSOperation writes it again.", _name);
        }

        Interlocked.Add(ref _sent, data.Length);
    }

    /// <summary>Gives up pages: they read as zeros then, and are no longer listed.</summary>
    /// <param name="offset">Where, in bytes; a multiple of <see cref="PageSize"/>.</param>
    /// <param name="length">How many bytes; a multiple of <see cref="PageSize"/>.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task ClearAsync(long offset, int length, CancellationToken cancellation)
    {
        using var response = await SendAsync($"clearing at byte {offset:N0}", Created, request =>
        {
            request.Method = RequestMethod.Put;
            request.Uri.AppendQuery("comp", "page");
            request.Headers.Add("x-ms-page-write", "clear");
            request.Headers.Add("x-ms-range", Range(offset, length));
            request.Headers.Add("Content-Length", "0");
            request.Content = RequestContent.Create(ReadOnlyMemory<byte>.Empty);
        }, cancellation);
    }

    /// <summary>The ranges that hold pages, in order and merged.</summary>
    /// <param name="end">Up to which byte.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<IReadOnlyList<(long Start, long End)>> GetRangesAsync(long end, CancellationToken cancellation)
    {
        var ranges = new PageRanges();
        string? marker = null;
        do
        {
            var from = marker;
            using var response = await SendAsync("listing its pages", Ok, request =>
            {
                request.Method = RequestMethod.Get;
                request.Uri.AppendQuery("comp", "pagelist");
                request.Headers.Add("x-ms-range", string.Create(CultureInfo.InvariantCulture, $"bytes=0-{end - 1}"));
                if (from is not null)
                    request.Uri.AppendQuery("marker", from);
            }, cancellation);
            marker = ReadRanges(response.Content, end, ranges);
        }
        while (marker is not null);
        return ranges.Merged();
    }

    /// <summary>Reads bytes.</summary>
    /// <param name="offset">Where, in bytes.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellation)
    {
        using var response = await SendAsync($"reading at byte {offset:N0}", PartialContent, request =>
        {
            request.Method = RequestMethod.Get;
            request.Headers.Add("x-ms-range", Range(offset, buffer.Length));
        }, cancellation);
        var content = response.Content.ToMemory();
        if (content.Length != buffer.Length)
        {
            throw new IaaSException(ErrorKind.Failed, "PageReadShort", $"{_name}: {buffer.Length:N0} bytes were asked for at byte {offset:N0}, and {content.Length:N0} came.",
                "Try again.", _name);
        }

        content.CopyTo(buffer);
    }

    public void Dispose() => _access.Dispose();

    /// <param name="doing">What for, for messages.</param>
    /// <param name="success">The one status that is the service's own yes; another yes is of something on the way, which has kept the request.</param>
    /// <param name="prepare">Fills the request.</param>
    /// <param name="cancellation">Stops it.</param>
    private async Task<Response> SendAsync(string doing, int success, Action<Request> prepare, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var uri = await _access.GetAsync(cancellation);
            var (response, failure) = await TryAsync(uri, prepare, cancellation);
            if (response?.Status == success)
                return response;
            var trouble = response is null ? new BlobTrouble(0, "", failure!) : BlobTrouble.Of(response);
            var asked = RetryAfter(response);
            response?.Dispose();
            if (trouble.IsAccess)
                _access.Invalidate(uri);
            if (attempt >= (trouble.IsAccess ? 2 : MostTries) || !trouble.IsPassing)
                throw trouble.ToException(_name, doing);
            await Task.Delay(asked ?? DelayBefore(attempt), _time, cancellation);
        }
    }

    private async Task<(Response? Response, Exception? Failure)> TryAsync(Uri uri, Action<Request> prepare, CancellationToken cancellation)
    {
        var wasBusy = false;
        await _limit.EnterAsync(cancellation);
        try
        {
            using var request = _pipeline.CreateRequest();
            request.Uri.Reset(uri);
            request.Headers.Add("x-ms-version", Version);
            prepare(request);
            Interlocked.Increment(ref _requests);
            var response = await _pipeline.SendRequestAsync(request, cancellation);
            wasBusy = response.Status is 500 or 503;
            return (response, null);
        }
        catch (Exception e) when (e is RequestFailedException or AggregateException or IOException or HttpRequestException
            || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            wasBusy = true;
            return (null, e);
        }
        finally
        {
            _limit.Leave(wasBusy);
        }
    }

    /// <summary>How long the service asks to be left alone, in whole seconds; null where it does not say.</summary>
    private static TimeSpan? RetryAfter(Response? response) =>
        response is not null && response.Headers.TryGetValue("Retry-After", out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(Math.Min(seconds, LongestDelay.TotalSeconds)) : null;

    private static TimeSpan DelayBefore(int attempt)
    {
        var delay = FirstDelay * Math.Pow(2, attempt - 1) * (0.8 + (Random.Shared.NextDouble() * 0.4));
        return delay < LongestDelay ? delay : LongestDelay;
    }

    private static string Range(long offset, int length) => string.Create(CultureInfo.InvariantCulture, $"bytes={offset}-{offset + length - 1}");

    private static string? ReadRanges(BinaryData content, long end, PageRanges ranges)
    {
        using var reader = XmlReader.Create(content.ToStream(), new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit });
        var list = XElement.Load(reader);
        foreach (var range in list.Elements("PageRange"))
        {
            var start = (long)range.Element("Start")!;
            var stop = Math.Min((long)range.Element("End")! + 1, end);
            if (stop > start)
                ranges.Add(start, stop);
        }

        return (string?)list.Element("NextMarker") is { Length: > 0 } marker ? marker : null;
    }

    private sealed class SilentOptions : ClientOptions;
}
