using System.Buffers.Binary;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using AzureIaaS.Disks;
using AzureIaaS.Disks.Nbd;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks.Nbd;

/// <summary>A disk served by NBD: QEMU's own client reads all of it, and a client that is up to something gets nowhere.</summary>
public class NbdServerTests
{
    [SkippableTheory]
    [InlineData("raw", "")]
    [InlineData("qcow2", "compression_type=zlib")]
    [InlineData("vmdk", "subformat=streamOptimized")]
    [InlineData("vhdx", "")]
    [InlineData("vdi", "")]
    public async Task QemuReadsWhatIsServed(string format, string options)
    {
        QemuTools.Require();
        using var folder = new TestFolder();
        var content = new byte[(9 << 20) + 4096];
        new Random(5).NextBytes(content.AsSpan(1 << 20, 6 << 20));
        File.WriteAllBytes(folder["disk.raw"], content);
        string[] how = options.Length == 0 ? [] : ["-o", options];
        QemuTools.Img(["convert", "-f", "raw", "-O", format, .. how, folder["disk.raw"], folder["disk.img"]]);
        using var image = DiskFormat.OpenImage(folder["disk.img"], new DiskOpenOptions { Format = format });
        await using var server = new Listener(folder["s"], new NbdExport("disk0", image.Length, image.Read));
        QemuTools.Img("convert", "-f", "raw", "-O", "raw", $"nbd+unix:///disk0?socket={folder["s"]}", folder["copy.raw"]);
        var copy = File.ReadAllBytes(folder["copy.raw"]);
        Assert.Equal(content, copy.AsSpan(0, content.Length).ToArray());
        Assert.Equal(image.Length, copy.Length);
    }

    [Fact]
    public async Task AClientReadsAndIsRefusedWhatIsNotReading()
    {
        using var folder = new TestFolder();
        var content = RandomNumberGenerator.GetBytes(1 << 20);
        await using var server = new Listener(folder["s"], new NbdExport("disk0", content.Length, (at, buffer) => content.AsSpan((int)at, buffer.Length).CopyTo(buffer)));
        using var client = new Client(folder["s"]);
        Assert.Equal(content.Length, client.Go("disk0"));
        Assert.Equal(0u, client.Request(0, 4096, 65536));
        Assert.Equal(content[4096..(4096 + 65536)], client.Receive(65536));
        Assert.Equal(22u, client.Request(0, content.Length - 1, 2));   // beyond the end
        Assert.Equal(22u, client.Request(0, -1, 4096));   // before the beginning, or far beyond the end
        Assert.Equal(22u, client.Request(0, 0, 0));   // nothing
        Assert.Equal(22u, client.Request(0, 0, NbdServer.LargestRead + 1));   // more than is served
        Assert.Equal(1u, client.Request(1, 0, 512, new byte[512]));   // writing
        Assert.Equal(0u, client.Request(3, 0, 0));   // flushing
        Assert.Equal(1u, client.Request(4, 0, 512));   // trimming
        Assert.Equal(0u, client.Request(0, content.Length - 512, 512));   // it goes on
        Assert.Equal(content[^512..], client.Receive(512));
    }

    [Fact]
    public async Task AReadThatFailsIsAnErrorOfThatReadAlone()
    {
        using var folder = new TestFolder();
        await using var server = new Listener(folder["s"], new NbdExport("disk0", 1 << 20, (at, buffer) =>
        {
            if (at == 512)
                throw new IOException("injected");
            buffer.Fill(7);
        }));
        using var client = new Client(folder["s"]);
        client.Go("disk0");
        Assert.Equal(5u, client.Request(0, 512, 512));
        Assert.Equal(0u, client.Request(0, 1024, 512));
        Assert.All(client.Receive(512), b => Assert.Equal(7, b));
    }

    [Fact]
    public async Task AnotherNameAndANonsenseOptionAreRefusedAndTheTalkGoesOn()
    {
        using var folder = new TestFolder();
        await using var server = new Listener(folder["s"], new NbdExport("disk0", 1 << 20, (_, buffer) => buffer.Clear()));
        using var client = new Client(folder["s"]);
        Assert.Equal(0x80000006u, client.Option(7, [0, 0, 0, 5, .. "other"u8, 0, 0]).Type);
        Assert.Equal(0x80000003u, client.Option(7, [255, 255, 255, 255, 0, 0]).Type);
        Assert.Equal(0x80000001u, client.Option(8, []).Type);   // structured replies
        Assert.Equal(0x80000001u, client.Option(12345, [1, 2, 3]).Type);
        Assert.Equal(1 << 20, client.Go("disk0"));
    }

    [Theory]
    [InlineData("option of 4 GiB")]
    [InlineData("another magic number")]
    [InlineData("nonsense after the handshake")]
    public async Task WhoDoesNotKeepToTheProtocolIsHungUpOn(string what)
    {
        using var folder = new TestFolder();
        await using var server = new Listener(folder["s"], new NbdExport("disk0", 1 << 20, (_, buffer) => buffer.Clear()));
        using var client = new Client(folder["s"]);
        if (what == "nonsense after the handshake")
            client.Go("disk0");
        var bytes = new byte[28];
        Encoding.ASCII.GetBytes(what.StartsWith("option", StringComparison.Ordinal) ? "IHAVEOPT" : "IHAVENOT").CopyTo(bytes, 0);
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(12), uint.MaxValue);
        client.Send(bytes);
        Assert.True(client.IsHungUp());
        using var another = new Client(folder["s"]);
        Assert.Equal(1 << 20, another.Go("disk0"));   // others are served
    }

    private sealed class Listener : IAsyncDisposable
    {
        private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        private readonly CancellationTokenSource _stop = new();
        private readonly Task _serving;

        public Listener(string path, NbdExport export)
        {
            _socket.Bind(new UnixDomainSocketEndPoint(path));
            _socket.Listen();
            _serving = ServeAsync(export);
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _serving;
            _socket.Dispose();
            _stop.Dispose();
        }

        private async Task ServeAsync(NbdExport export)
        {
            var clients = new List<Task>();
            try
            {
                while (true)
                    clients.Add(ServeAsync(await _socket.AcceptAsync(_stop.Token), export));
            }
            catch (OperationCanceledException)
            {
                await Task.WhenAll(clients);
            }
        }

        private async Task ServeAsync(Socket client, NbdExport export)
        {
            await using var stream = new NetworkStream(client, ownsSocket: true);
            try
            {
                await NbdServer.ServeAsync(stream, export, _stop.Token);
            }
            catch (Exception e) when (e is IOException or InvalidDataException or OperationCanceledException)
            {
                // What a server does with a client that has gone, or does not keep to the protocol.
            }
        }
    }

    private sealed class Client : IDisposable
    {
        private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

        public Client(string path)
        {
            _socket.ReceiveTimeout = 30_000;
            _socket.Connect(new UnixDomainSocketEndPoint(path));
            Assert.Equal("NBDMAGICIHAVEOPT"u8.ToArray(), Receive(18)[..16]);
            Send([0, 0, 0, 3]);
        }

        public long Go(string name)
        {
            var encoded = Encoding.UTF8.GetBytes(name);
            var (type, data) = Option(7, [0, 0, 0, (byte)encoded.Length, .. encoded, 0, 0]);
            long length = 0;
            for (; type == 3; (type, data) = Reply())
                length = data[1] == 0 ? BinaryPrimitives.ReadInt64BigEndian(data.AsSpan(2)) : length;
            Assert.Equal(1u, type);
            return length;
        }

        public (uint Type, byte[] Data) Option(uint option, byte[] data)
        {
            var bytes = new byte[16 + data.Length];
            "IHAVEOPT"u8.CopyTo(bytes);
            BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(8), option);
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(12), data.Length);
            data.CopyTo(bytes, 16);
            Send(bytes);
            return Reply();
        }

        public uint Request(ushort command, long offset, int length, byte[]? data = null)
        {
            var bytes = new byte[28];
            BinaryPrimitives.WriteUInt32BigEndian(bytes, 0x25609513);
            BinaryPrimitives.WriteUInt16BigEndian(bytes.AsSpan(6), command);
            BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(8), 0x0102030405060708);
            BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan(16), offset);
            BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(24), length);
            Send(bytes);
            if (data is not null)
                Send(data);
            var reply = Receive(16);
            Assert.Equal(0x67446698u, BinaryPrimitives.ReadUInt32BigEndian(reply));
            Assert.Equal(0x0102030405060708, BinaryPrimitives.ReadInt64BigEndian(reply.AsSpan(8)));
            return BinaryPrimitives.ReadUInt32BigEndian(reply.AsSpan(4));
        }

        public void Send(byte[] bytes) => _socket.Send(bytes);

        public byte[] Receive(int count)
        {
            var bytes = new byte[count];
            for (var at = 0; at < count;)
            {
                var read = _socket.Receive(bytes.AsSpan(at));
                Assert.True(read > 0, "the server hung up");
                at += read;
            }

            return bytes;
        }

        public bool IsHungUp()
        {
            try
            {
                return _socket.Receive(new byte[1]) == 0;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
            {
                return true;
            }
        }

        public void Dispose() => _socket.Dispose();

        private (uint Type, byte[] Data) Reply()
        {
            var head = Receive(20);
            return (BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12)), Receive(BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(16))));
        }
    }
}
