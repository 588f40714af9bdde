using System.Globalization;
using System.Net;
using System.Net.Sockets;
using AzureIaaS.ArmDouble;

namespace AzureIaaS.Azure.Tests.Support;

/// <summary>What befalls a request on its way to the storage.</summary>
internal enum Fault
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>The service is busy, and says for how long.</summary>
    BusyFor,

    /// <summary>The service is busy.</summary>
    Busy,

    /// <summary>A byte of it is changed on its way.</summary>
    Damage,

    /// <summary>Its signature has expired when it arrives.</summary>
    Expire,

    /// <summary>Something on the way answers that all is well, and does not pass it on.</summary>
    Pretend,

    /// <summary>The connection breaks before it arrives.</summary>
    Reset,

    /// <summary>The connection breaks after it has had its effect.</summary>
    ResetAfterwards,
}

/// <summary>A real storage emulator behind a real connection on which things go wrong; what refuses is the emulator itself wherever it can.</summary>
internal sealed class FaultyStorage : IBlobs, IDisposable
{
    /// <summary>What a busy service says, in seconds.</summary>
    public const int BusySeconds = 7;

    private readonly Azurite _storage;
    private readonly HttpListener _listener = new();
    private readonly BreakableRelay _relay;
    private readonly HttpClient _http = new(new SocketsHttpHandler { AutomaticDecompression = DecompressionMethods.None });
    private int _pages;
    private int _underWay;

    private FaultyStorage(Azurite storage)
    {
        _storage = storage;
        int port;
        using (var probe = new TcpListener(IPAddress.Loopback, 0))
        {
            probe.Start();
            port = ((IPEndPoint)probe.LocalEndpoint).Port;
        }

        _listener.Prefixes.Add($"http://127.0.0.1:{port}/");
        _listener.Start();
        _relay = new BreakableRelay(port);
        _ = AcceptAsync();
    }

    /// <summary>What befalls a write of pages, by how many there were before it.</summary>
    public Func<int, Fault> OnPage { get; set; } = _ => Fault.None;

    /// <summary>How many pages' writes the emulator has taken.</summary>
    public int Taken { get; private set; }

    /// <summary>The statuses that the emulator has refused writes with, and its words for them.</summary>
    public List<string> Refusals { get; } = [];

    public static async Task<FaultyStorage> StartAsync() => new(await Azurite.StartAsync());

    /// <summary>Begins to count anew, when nothing is under way any more.</summary>
    public async Task ResetAsync(Func<int, Fault>? onPage = null)
    {
        await SettleAsync();
        lock (Refusals)
        {
            (OnPage, _pages, Taken) = (onPage ?? (_ => Fault.None), 0, 0);
            Refusals.Clear();
        }
    }

    /// <summary>Waits until what was under way has been served, for whoever sent it may have gone.</summary>
    public async Task SettleAsync()
    {
        while (Volatile.Read(ref _underWay) > 0)
            await Task.Delay(20);
    }

    /// <summary>Takes a lease on a blob, or breaks it.</summary>
    public async Task LeaseAsync(string name, bool take)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, _storage.Grant(name, DateTimeOffset.Parse("2100-01-01", CultureInfo.InvariantCulture), true) + "&comp=lease");
        request.Headers.Add("x-ms-version", "2021-08-06");
        request.Headers.Add("x-ms-lease-action", take ? "acquire" : "break");
        request.Headers.Add(take ? "x-ms-lease-duration" : "x-ms-lease-break-period", take ? "-1" : "0");
        using var response = await _http.SendAsync(request);
        response.EnsureSuccessStatusCode();
    }

    public Uri Grant(string name, DateTimeOffset expiry, bool write) => new UriBuilder(_storage.Grant(name, expiry, write)) { Port = _relay.Port }.Uri;

    public Task CreateAsync(string name, long length) => _storage.CreateAsync(name, length);

    public Task<byte[]> ReadAsync(string name, long offset, int length) => _storage.ReadAsync(name, offset, length);

    public Task<IReadOnlyList<(long Start, long End)>> ListAsync(string name) => _storage.ListAsync(name);

    public Task CopyAsync(string from, string to) => _storage.CopyAsync(from, to);

    public void Revoke(string name) => _storage.Revoke(name);

    public void Dispose()
    {
        _relay.Dispose();
        _listener.Close();
        _http.Dispose();
        _storage.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var context = await _listener.GetContextAsync();
                Interlocked.Increment(ref _underWay);
                _ = Task.Run(() => ServeAsync(context));
            }
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // Disposed while it waited.
        }
    }

    private async Task ServeAsync(HttpListenerContext context)
    {
        try
        {
            var isPage = context.Request.QueryString["comp"] == "page";
            using var body = new MemoryStream();
            await context.Request.InputStream.CopyToAsync(body);
            // Counted when it has come wholly: one that was given up in its middle is none.
            var fault = isPage ? OnPage(Interlocked.Increment(ref _pages) - 1) : Fault.None;
            if (fault is Fault.Busy or Fault.BusyFor or Fault.Reset or Fault.Pretend)
            {
                Refuse(context, fault);
                return;
            }

            using var answer = await _http.SendAsync(Forward(context.Request, body.ToArray(), fault));
            var content = await answer.Content.ReadAsByteArrayAsync();
            if (isPage)
                Count(answer);
            if (fault == Fault.ResetAfterwards)
                _relay.Break(context.Request.RemoteEndPoint.Port);
            else
                await ReplyAsync(context, answer, content);
        }
        catch (Exception e) when (e is HttpListenerException or HttpRequestException or IOException or ObjectDisposedException)
        {
            _relay.Break(context.Request.RemoteEndPoint.Port);   // whoever asked is gone, or the emulator is
        }
        finally
        {
            Interlocked.Decrement(ref _underWay);
        }
    }

    private void Refuse(HttpListenerContext context, Fault fault)
    {
        if (fault == Fault.Reset)
        {
            _relay.Break(context.Request.RemoteEndPoint.Port);
            return;
        }

        context.Response.StatusCode = fault == Fault.Pretend ? 200 : 503;
        if (fault != Fault.Pretend)
            context.Response.Headers["x-ms-error-code"] = "ServerBusy";
        if (fault == Fault.BusyFor)
            context.Response.Headers["Retry-After"] = BusySeconds.ToString(CultureInfo.InvariantCulture);
        context.Response.Close();
    }

    private HttpRequestMessage Forward(HttpListenerRequest request, byte[] body, Fault fault)
    {
        var name = request.Url!.Segments[^1];
        var target = _storage.Grant(name, TimeProvider.System.GetUtcNow().AddMinutes(-1), true);   // one that has expired
        var uri = new UriBuilder(request.Url) { Port = target.Port };
        if (fault == Fault.Expire)
            uri.Query = $"{target.Query}&comp=page";
        if (fault == Fault.Damage)
            body[body.Length / 2] ^= 1;
        var forward = new HttpRequestMessage(new HttpMethod(request.HttpMethod), uri.Uri) { Content = new ByteArrayContent(body) };
        foreach (var key in request.Headers.AllKeys.Where(k => k is not ("Host" or "Content-Length" or "Connection" or "Transfer-Encoding")))
        {
            if (!forward.Headers.TryAddWithoutValidation(key!, request.Headers[key]))
                forward.Content.Headers.TryAddWithoutValidation(key!, request.Headers[key]);
        }

        return forward;
    }

    private void Count(HttpResponseMessage answer)
    {
        lock (Refusals)
        {
            if (answer.IsSuccessStatusCode)
                Taken++;
            else
                Refusals.Add($"{(int)answer.StatusCode} {(answer.Headers.TryGetValues("x-ms-error-code", out var code) ? code.First() : "")}");
        }
    }

    private static async Task ReplyAsync(HttpListenerContext context, HttpResponseMessage answer, byte[] content)
    {
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach (var (key, values) in answer.Headers.Concat(answer.Content.Headers).Where(h => h.Key is not ("Transfer-Encoding" or "Connection" or "Keep-Alive" or "Content-Length")))
            context.Response.Headers[key] = string.Join(',', values);
        context.Response.ContentLength64 = content.Length;
        await context.Response.OutputStream.WriteAsync(content);
        context.Response.Close();
    }
}
