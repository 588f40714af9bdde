using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;
using AzureIaaS.Local.Hypervisors.Qemu.Qmp;

namespace AzureIaaS.Local.Tests.Qemu;

public sealed class QmpConnectionTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private const string Greeting = """{"QMP": {"version": {"qemu": {"micro": 0, "minor": 2, "major": 7}}}}""";

    private readonly string _path = Path.Combine(Path.GetTempPath(), $"qmp-{Guid.NewGuid():N}"[..20]);
    private readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public QmpConnectionTests()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(_path));
        _listener.Listen();
    }

    public void Dispose()
    {
        _listener.Dispose();
        File.Delete(_path);
    }

    [Fact]
    public async Task NobodyListeningIsNoConnection() =>
        Assert.Null(await QmpConnection.ConnectAsync(_path + "x", Soon, CancellationToken.None));

    [Fact]
    public async Task AListenerThatSaysNothingIsATimeout() =>
        Assert.Equal("MonitorSilent", (await Assert.ThrowsAsync<IaaSException>(() => QmpConnection.ConnectAsync(_path, TimeSpan.FromMilliseconds(200), CancellationToken.None))).ErrorId);

    [Fact]
    public async Task AMonitorThatForgetsItsFirstConnectionIsAskedAgain()
    {
        var server = Task.Run(async () =>
        {
            using var forgotten = await _listener.AcceptAsync();
            await forgotten.SendAsync(Encoding.UTF8.GetBytes(Greeting + "\r\n"));
            await ServeAsync(async peer => await peer.WriteAsync($$"""{"return": "here", "id": {{(await peer.ReadAsync())["id"]}}}"""));
        });
        await using var connection = await QmpConnection.ConnectToNewAsync(_path, TimeSpan.FromMilliseconds(300), Soon, CancellationToken.None);
        Assert.Equal("here", (await connection!.ExecuteAsync("query-name", null, Soon, CancellationToken.None)).GetString());
        await server;
        Assert.Null(await QmpConnection.ConnectToNewAsync(_path, TimeSpan.FromMilliseconds(50), TimeSpan.FromMilliseconds(150), CancellationToken.None));
    }

    [Fact]
    public async Task AnswersFindTheirCommandsWhateverTheOrder()
    {
        var server = ServeAsync(async peer =>
        {
            var first = await peer.ReadAsync();
            var second = await peer.ReadAsync();
            await peer.WriteAsync("""{"event": "RESUME"}""");
            await peer.WriteAsync($$"""{"return": "second", "id": {{second["id"]}}}""");
            await peer.WriteAsync($$$"""{"error": {"class": "GenericError", "desc": "no"}, "id": {{{first["id"]}}}}""");
        });
        await using var connection = await QmpConnection.ConnectAsync(_path, Soon, CancellationToken.None);
        var one = connection!.ExecuteAsync("one", null, CancellationToken.None);
        var two = connection.ExecuteAsync("two", null, CancellationToken.None);
        Assert.Equal("second", (await two.WaitAsync(Soon)).GetString());
        var refused = await Assert.ThrowsAsync<QmpException>(() => one.WaitAsync(Soon));
        Assert.Contains("'one': no", refused.Message, StringComparison.Ordinal);
        Assert.Equal("RESUME", (await connection.Events.ReadAsync().AsTask().WaitAsync(Soon)).Name);
        await server;
    }

    [Fact]
    public async Task AProcessThatDiesEndsEveryCommandAndTheEvents()
    {
        var server = ServeAsync(async peer => await peer.ReadAsync());
        await using var connection = await QmpConnection.ConnectAsync(_path, Soon, CancellationToken.None);
        await Assert.ThrowsAsync<IOException>(() => connection!.ExecuteAsync("query-status", null, CancellationToken.None).WaitAsync(Soon));
        await server;
        Assert.False(await connection!.Events.WaitToReadAsync().AsTask().WaitAsync(Soon));
    }

    private async Task ServeAsync(Func<Peer, Task> conversation)
    {
        using var socket = await _listener.AcceptAsync();
        using var stream = new NetworkStream(socket);
        var peer = new Peer(stream);
        await peer.WriteAsync(Greeting);
        var capabilities = await peer.ReadAsync();
        await peer.WriteAsync($$$"""{"return": {}, "id": {{{capabilities["id"]}}}}""");
        await conversation(peer);
    }

    private sealed class Peer(NetworkStream stream)
    {
        private readonly StreamReader _reader = new(stream);

        public async Task<JsonNode> ReadAsync() => JsonNode.Parse((await _reader.ReadLineAsync())!)!;

        public async Task WriteAsync(string line) => await stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\r\n"));
    }
}
