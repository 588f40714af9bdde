using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Disks.Nbd;

/// <summary>
/// Serves one disk to one client over a stream: the fixed newstyle handshake, reads with simple replies, several at once (NetworkBlockDevice
/// doc/proto.md). The peer is not trusted: options and requests are bounded, and anything out of order ends the connection.
/// </summary>
public sealed class NbdServer : IDisposable
{
    /// <summary>The most bytes one request may ask for; said to the client, which then asks in pieces.</summary>
    public const int LargestRead = 4 << 20;

    private const int LongestOption = 4096;
    private const int RequestSize = 28;
    private const int AtOnce = 8;
    private const int DiscardAtOnce = 64 << 10;

    private readonly Stream _stream;
    private readonly NbdExport _export;
    private readonly SemaphoreSlim _sending = new(1);
    private readonly SemaphoreSlim _places = new(AtOnce);

    private NbdServer(Stream stream, NbdExport export)
    {
        _stream = stream;
        _export = export;
    }

    /// <summary>Serves a client until it leaves.</summary>
    /// <param name="stream">The connection, which stays the caller's to close.</param>
    /// <param name="export">The disk.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="InvalidDataException">The client does not keep to the protocol.</exception>
    public static async Task ServeAsync(Stream stream, NbdExport export, CancellationToken cancellation)
    {
        using var server = new NbdServer(stream, export);
        if (await server.NegotiateAsync(cancellation))
            await server.TransmitAsync(cancellation);
    }

    private static ushort TransmissionFlags => NbdProtocol.HasFlags | NbdProtocol.ReadOnly | NbdProtocol.SendFlush | NbdProtocol.CanMultiConnection;

    /// <inheritdoc/>
    public void Dispose()
    {
        _sending.Dispose();
        _places.Dispose();
    }

    private async Task<bool> NegotiateAsync(CancellationToken cancellation)
    {
        var greeting = new byte[18];
        BinaryPrimitives.WriteUInt64BigEndian(greeting, NbdProtocol.Magic);
        BinaryPrimitives.WriteUInt64BigEndian(greeting.AsSpan(8), NbdProtocol.OptionMagic);
        BinaryPrimitives.WriteUInt16BigEndian(greeting.AsSpan(16), NbdProtocol.FixedNewstyle | NbdProtocol.NoZeroes);
        await _stream.WriteAsync(greeting, cancellation);
        var clientFlags = BinaryPrimitives.ReadUInt32BigEndian(await ReadAsync(4, cancellation));
        if ((clientFlags & ~3u) != 0 || (clientFlags & 1) == 0)
            throw new InvalidDataException($"the client's flags are 0x{clientFlags:x}");
        while (true)
        {
            var head = await ReadAsync(16, cancellation);
            if (BinaryPrimitives.ReadUInt64BigEndian(head) != NbdProtocol.OptionMagic)
                throw new InvalidDataException("an option does not begin with IHAVEOPT");
            var option = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(8));
            var length = BinaryPrimitives.ReadUInt32BigEndian(head.AsSpan(12));
            if (length > LongestOption)
                throw new InvalidDataException($"an option of {length} bytes");
            var data = await ReadAsync((int)length, cancellation);
            switch (option)
            {
                case NbdProtocol.OptionExportName:
                    return await ExportAsync(data, (clientFlags & NbdProtocol.NoZeroes) == 0, cancellation);
                case NbdProtocol.OptionGo or NbdProtocol.OptionInfo:
                    if (await InformAsync(option, data, cancellation) && option == NbdProtocol.OptionGo)
                        return true;
                    break;
                case NbdProtocol.OptionList:
                    await ListAsync(option, cancellation);
                    break;
                case NbdProtocol.OptionAbort:
                    await ReplyAsync(option, NbdProtocol.ReplyAck, [], cancellation);
                    return false;
                default:
                    await ReplyAsync(option, NbdProtocol.ErrorUnsupported, [], cancellation);
                    break;
            }
        }
    }

    /// <summary>NBD_OPT_EXPORT_NAME has no way to say no but to hang up.</summary>
    private async Task<bool> ExportAsync(byte[] name, bool padded, CancellationToken cancellation)
    {
        if (!IsExport(name))
            return false;
        var answer = new byte[padded ? 134 : 10];
        BinaryPrimitives.WriteInt64BigEndian(answer, _export.Length);
        BinaryPrimitives.WriteUInt16BigEndian(answer.AsSpan(8), TransmissionFlags);
        await _stream.WriteAsync(answer, cancellation);
        return true;
    }

    private async Task<bool> InformAsync(uint option, byte[] data, CancellationToken cancellation)
    {
        if (data.Length < 6 || BinaryPrimitives.ReadUInt32BigEndian(data) > data.Length - 6)
        {
            await ReplyAsync(option, NbdProtocol.ErrorInvalid, [], cancellation);
            return false;
        }

        var name = data.AsSpan(4, (int)BinaryPrimitives.ReadUInt32BigEndian(data)).ToArray();
        if (!IsExport(name))
        {
            await ReplyAsync(option, NbdProtocol.ErrorUnknownExport, [], cancellation);
            return false;
        }

        var export = new byte[12];
        BinaryPrimitives.WriteUInt16BigEndian(export, NbdProtocol.InfoExport);
        BinaryPrimitives.WriteInt64BigEndian(export.AsSpan(2), _export.Length);
        BinaryPrimitives.WriteUInt16BigEndian(export.AsSpan(10), TransmissionFlags);
        await ReplyAsync(option, NbdProtocol.ReplyInfo, export, cancellation);
        var sizes = new byte[14];
        BinaryPrimitives.WriteUInt16BigEndian(sizes, NbdProtocol.InfoBlockSize);
        BinaryPrimitives.WriteUInt32BigEndian(sizes.AsSpan(2), 1);
        BinaryPrimitives.WriteUInt32BigEndian(sizes.AsSpan(6), 64 << 10);
        BinaryPrimitives.WriteUInt32BigEndian(sizes.AsSpan(10), LargestRead);
        await ReplyAsync(option, NbdProtocol.ReplyInfo, sizes, cancellation);
        await ReplyAsync(option, NbdProtocol.ReplyAck, [], cancellation);
        return true;
    }

    private async Task ListAsync(uint option, CancellationToken cancellation)
    {
        var name = Encoding.UTF8.GetBytes(_export.Name);
        var entry = new byte[4 + name.Length];
        BinaryPrimitives.WriteInt32BigEndian(entry, name.Length);
        name.CopyTo(entry, 4);
        await ReplyAsync(option, NbdProtocol.ReplyServer, entry, cancellation);
        await ReplyAsync(option, NbdProtocol.ReplyAck, [], cancellation);
    }

    private bool IsExport(byte[] name) => name.AsSpan().SequenceEqual(Encoding.UTF8.GetBytes(_export.Name));

    private async Task ReplyAsync(uint option, uint type, byte[] data, CancellationToken cancellation)
    {
        var reply = new byte[20 + data.Length];
        BinaryPrimitives.WriteUInt64BigEndian(reply, NbdProtocol.OptionReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(8), option);
        BinaryPrimitives.WriteUInt32BigEndian(reply.AsSpan(12), type);
        BinaryPrimitives.WriteInt32BigEndian(reply.AsSpan(16), data.Length);
        data.CopyTo(reply, 20);
        await _stream.WriteAsync(reply, cancellation);
    }

    private async Task TransmitAsync(CancellationToken cancellation)
    {
        using var broken = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var request = new byte[RequestSize];
        try
        {
            while (await _stream.ReadAtLeastAsync(request, RequestSize, throwOnEndOfStream: false, broken.Token) == RequestSize)
            {
                if (BinaryPrimitives.ReadUInt32BigEndian(request) != NbdProtocol.RequestMagic)
                    throw new InvalidDataException("a request does not begin with its magic number");
                var command = BinaryPrimitives.ReadUInt16BigEndian(request.AsSpan(6));
                var handle = BinaryPrimitives.ReadUInt64BigEndian(request.AsSpan(8));
                var offset = BinaryPrimitives.ReadUInt64BigEndian(request.AsSpan(16));
                var length = BinaryPrimitives.ReadUInt32BigEndian(request.AsSpan(24));
                if (command == NbdProtocol.CommandDisconnect)
                    return;
                if (command == NbdProtocol.CommandRead && IsInside(offset, length))
                {
                    await _places.WaitAsync(broken.Token);
                    _ = Task.Run(() => AnswerAsync(handle, (long)offset, (int)length, broken), CancellationToken.None);
                    continue;
                }

                if (command == NbdProtocol.CommandWrite)
                    await DiscardAsync(length, broken.Token);
                var error = command switch
                {
                    NbdProtocol.CommandFlush => 0u,
                    NbdProtocol.CommandRead => NbdProtocol.InvalidArgument,
                    _ => NbdProtocol.PermissionDenied,
                };
                await SendAsync(Head(handle, error), 16, broken.Token);
            }
        }
        finally
        {
            await broken.CancelAsync();
            for (var i = 0; i < AtOnce; i++)
                await _places.WaitAsync(CancellationToken.None);   // nothing reads the disk any more when this returns
        }
    }

    private bool IsInside(ulong offset, uint length) =>
        length is > 0 and <= LargestRead && offset <= (ulong)_export.Length && length <= (ulong)_export.Length - offset;

    private async Task AnswerAsync(ulong handle, long offset, int length, CancellationTokenSource broken)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(16 + length);
        try
        {
            var error = 0u;
            try
            {
                _export.Read(offset, buffer.AsSpan(16, length));
            }
            catch (Exception e) when (e is IaaSException or IOException)
            {
                error = NbdProtocol.InputOutputError;
            }

            Head(handle, error).CopyTo(buffer, 0);
            await SendAsync(buffer, error == 0 ? 16 + length : 16, broken.Token);
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException or OperationCanceledException)
        {
            await broken.CancelAsync();   // the client has gone
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            _places.Release();
        }
    }

    private static byte[] Head(ulong handle, uint error)
    {
        var head = new byte[16];
        BinaryPrimitives.WriteUInt32BigEndian(head, NbdProtocol.SimpleReplyMagic);
        BinaryPrimitives.WriteUInt32BigEndian(head.AsSpan(4), error);
        BinaryPrimitives.WriteUInt64BigEndian(head.AsSpan(8), handle);
        return head;
    }

    private async Task SendAsync(byte[] bytes, int count, CancellationToken cancellation)
    {
        await _sending.WaitAsync(cancellation);
        try
        {
            await _stream.WriteAsync(bytes.AsMemory(0, count), cancellation);
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <summary>A refused write's data comes all the same.</summary>
    private async Task DiscardAsync(uint length, CancellationToken cancellation)
    {
        for (long left = length; left > 0; left -= DiscardAtOnce)
            await ReadAsync((int)Math.Min(left, DiscardAtOnce), cancellation);
    }

    private async Task<byte[]> ReadAsync(int count, CancellationToken cancellation)
    {
        var bytes = new byte[count];
        await _stream.ReadExactlyAsync(bytes, cancellation);
        return bytes;
    }
}
