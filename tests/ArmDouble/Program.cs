using System.Net;
using AzureIaaS.ArmDouble;

// Serves the double on loopback, for programs that cannot be given a handler: ArmDouble PORT [storage]
// With "storage", disks lie in a real storage emulator. A request for /end ends it.
var port = int.Parse(args[0], System.Globalization.CultureInfo.InvariantCulture);
var address = new Uri($"http://127.0.0.1:{port}/");
using var storage = args.Contains("storage") ? await Azurite.StartAsync() : null;
var arm = new Arm(TimeProvider.System, storage is null ? new BlobDouble(address) : storage) { PollsUntilDone = 0, HasAgent = true };
using var listener = new HttpListener();
listener.Prefixes.Add(address.ToString());
listener.Start();
Console.WriteLine($"listening on {address}");
while (await listener.GetContextAsync() is { Request.Url.AbsolutePath: not "/end" } context)
    _ = Task.Run(() => ServeAsync(context));

return;

async Task ServeAsync(HttpListenerContext context)
{
    using var body = new MemoryStream();
    await context.Request.InputStream.CopyToAsync(body);
    var headers = context.Request.Headers.AllKeys.ToDictionary(k => k!.ToLowerInvariant(), k => context.Request.Headers[k]!);
    var answer = await arm.HandleAsync(new Request(context.Request.HttpMethod, context.Request.Url!, headers, body.ToArray()));
    if (headers.ContainsKey("authorization"))
        answer = Answer.Error(500, "TokenSent", "A token was sent to an emulator.");
    context.Response.StatusCode = answer.Status;
    foreach (var (name, value) in answer.Headers)
        context.Response.Headers[name] = value;
    context.Response.ContentLength64 = answer.Body.Length;
    await context.Response.OutputStream.WriteAsync(answer.Body);
    context.Response.Close();
}
