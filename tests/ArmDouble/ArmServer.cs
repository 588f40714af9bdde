using System.Net;
using System.Net.Sockets;

namespace AzureIaaS.ArmDouble;

/// <summary>Serves a double on loopback, for programs that cannot be given a handler. It refuses tokens, for none may be sent to an emulator.</summary>
public sealed class ArmServer : IDisposable
{
    private readonly HttpListener _listener = new();

    /// <summary>Begins to listen.</summary>
    /// <param name="port">The port; 0 for a free one.</param>
    public ArmServer(int port)
    {
        Address = new Uri($"http://127.0.0.1:{(port == 0 ? FreePort() : port)}/");
        _listener.Prefixes.Add(Address.ToString());
        _listener.Start();
    }

    /// <summary>Where it listens.</summary>
    public Uri Address { get; }

    /// <summary>Answers until somebody asks for <c>/end</c>, or it is disposed.</summary>
    /// <param name="arm">What answers.</param>
    public async Task RunAsync(Arm arm)
    {
        try
        {
            while (await _listener.GetContextAsync() is { Request.Url.AbsolutePath: not "/end" } context)
                _ = Task.Run(() => ServeAsync(arm, context));
        }
        catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
        {
            // Disposed while it waited.
        }
    }

    public void Dispose() => _listener.Close();

    private static async Task ServeAsync(Arm arm, HttpListenerContext context)
    {
        using var body = new MemoryStream();
        await context.Request.InputStream.CopyToAsync(body);
        var headers = context.Request.Headers.AllKeys.ToDictionary(k => k!.ToLowerInvariant(), k => context.Request.Headers[k]!);
        var answer = headers.ContainsKey("authorization") ? Answer.Error(500, "TokenSent", "A token was sent to an emulator.")
            : await arm.HandleAsync(new Request(context.Request.HttpMethod, context.Request.Url!, headers, body.ToArray()));
        try
        {
            context.Response.StatusCode = answer.Status;
            foreach (var (name, value) in answer.Headers)
                context.Response.Headers[name] = value;
            context.Response.ContentLength64 = answer.Body.Length;
            await context.Response.OutputStream.WriteAsync(answer.Body);
            context.Response.Close();
        }
        catch (HttpListenerException)
        {
            // Whoever asked is gone.
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
