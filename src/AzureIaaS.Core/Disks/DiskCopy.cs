using System.Security.Cryptography;
using AzureIaaS.Providers;

namespace AzureIaaS.Disks;

/// <summary>How a copy is made.</summary>
public sealed record DiskCopyOptions
{
    /// <summary>Whether the content's digest is computed on the way.</summary>
    public bool Digest { get; init; } = true;

    /// <summary>What a former attempt has copied, and where this one records its blocks; null for a copy that is not resumed.</summary>
    public ICopyJournal? Journal { get; init; }

    /// <summary>How many threads work; 0 lets the copy choose.</summary>
    public int Threads { get; init; }
}

/// <summary>What a copy has done.</summary>
/// <param name="BytesWritten">How many bytes were written to the target.</param>
/// <param name="BytesVerified">How many bytes a former attempt had copied and this one found right.</param>
/// <param name="Digest">The digest of the whole content; null when none was asked for.</param>
/// <param name="BlockDigests">The digests of all blocks in order; empty when none were asked for.</param>
public sealed record DiskCopyResult(long BytesWritten, long BytesVerified, string? Digest, ReadOnlyMemory<byte> BlockDigests);

/// <summary>
/// Copies a virtual disk block by block of 4 MiB: only blocks that hold data are read, zeros are not written, and each piece is hashed while
/// it is still in the processor's cache. Blocks are independent, so several threads take them in order.
/// </summary>
public sealed class DiskCopy
{
    private const int ZeroGranularity = 64 << 10;

    private static readonly byte[] Zeros = new byte[128 << 10];

    private readonly DiskImage _source;
    private readonly IDiskTarget _target;
    private readonly DiskCopyOptions _options;
    private readonly IProgress<long>? _progress;
    private readonly byte[] _digests;
    private readonly object _gate = new();
    private IEnumerator<long>? _blocks;
    private long _written;
    private long _verified;

    private DiskCopy(DiskImage source, IDiskTarget target, DiskCopyOptions options, IProgress<long>? progress)
    {
        _source = source;
        _target = target;
        _options = options;
        _progress = progress;
        _digests = options.Digest ? new byte[DiskDigest.BlockCount(source.Length) * DiskDigest.HashSize] : [];
    }

    /// <summary>Copies an image's whole content.</summary>
    /// <param name="source">The image.</param>
    /// <param name="target">Where it goes; of the same length, and zeros where nothing was written.</param>
    /// <param name="options">How.</param>
    /// <param name="progress">Receives the position on the virtual disk up to which blocks have been taken, in bytes.</param>
    /// <param name="cancellation">Stops it; what was journaled stays good for the next attempt.</param>
    /// <exception cref="DiskImageException">The source is damaged or cannot be read.</exception>
    /// <exception cref="IaaSException">The target cannot take it.</exception>
    public static async Task<DiskCopyResult> RunAsync(
        DiskImage source, IDiskTarget target, DiskCopyOptions options, IProgress<long>? progress, CancellationToken cancellation)
    {
        var copy = new DiskCopy(source, target, options, progress);
        return await copy.RunAsync(cancellation);
    }

    private async Task<DiskCopyResult> RunAsync(CancellationToken cancellation)
    {
        if (_options.Digest)
            FillZeroDigests();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var blocks = DataBlocks(_source).GetEnumerator();
        _blocks = blocks;
        var workers = Enumerable.Range(0, ThreadCount())
            .Select(_ => Task.Factory.StartNew(() => WorkAsync(stop), stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap())
            .ToArray();
        await WaitForAllAsync(workers);
        cancellation.ThrowIfCancellationRequested();
        _progress?.Report(_source.Length);
        return new DiskCopyResult(_written, _verified, _options.Digest ? DiskDigest.Describe(_digests) : null, _digests);
    }

    /// <summary>Waits for workers. The first fault is the one to report: the others are workers that were told to stop because of it.</summary>
    internal static async Task WaitForAllAsync(Task[] workers)
    {
        try
        {
            await Task.WhenAll(workers);
        }
        catch (OperationCanceledException)
        {
            if (workers.FirstOrDefault(w => w.IsFaulted) is { } faulted)
                await faulted;
            throw;
        }
    }

    private int ThreadCount()
    {
        if (_options.Threads > 0)
            return _options.Threads;

        // A plain copy is bound by memory, and a second thread only disturbs it (measured); hashing and decompression are not.
        return _options.Digest || _source.IsCompressed ? Math.Clamp(Environment.ProcessorCount, 1, 8) : 1;
    }

    private void FillZeroDigests()
    {
        var count = DiskDigest.BlockCount(_source.Length);
        for (long block = 0; block < count; block++)
            DiskDigest.ZeroBlock(DiskDigest.BlockLength(_source.Length, block)).CopyTo(DigestOf(block));
    }

    private Span<byte> DigestOf(long block) => _digests.AsSpan((int)(block * DiskDigest.HashSize), DiskDigest.HashSize);

    /// <summary>The indexes of the blocks that hold any data, in order.</summary>
    internal static IEnumerable<long> DataBlocks(DiskImage source)
    {
        long next = 0;
        foreach (var extent in source.GetExtents())
        {
            if (extent.Kind != DiskExtentKind.Data)
                continue;
            var last = (extent.End - 1) / DiskDigest.BlockSize;
            for (next = Math.Max(next, extent.Start / DiskDigest.BlockSize); next <= last; next++)
                yield return next;
        }
    }

    private long? TakeBlock()
    {
        lock (_gate)
        {
            if (!_blocks!.MoveNext())
                return null;
            _progress?.Report(_blocks.Current * DiskDigest.BlockSize);
            return _blocks.Current;
        }
    }

    private async Task WorkAsync(CancellationTokenSource stop)
    {
        try
        {
            var worker = new Worker(this);
            while (!stop.IsCancellationRequested && TakeBlock() is { } block)
                await worker.CopyAsync(block, stop.Token);
            stop.Token.ThrowIfCancellationRequested();
        }
        catch
        {
            await stop.CancelAsync();
            throw;
        }
    }

    /// <summary>One thread's buffer and hash.</summary>
    private sealed class Worker(DiskCopy copy)
    {
        private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(Math.Clamp(copy._source.PreferredRead, ZeroGranularity, DiskDigest.BlockSize));
        private readonly IncrementalHash? _hash = copy._options.Digest ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
        private readonly byte[] _digest = new byte[DiskDigest.HashSize];

        public async Task CopyAsync(long block, CancellationToken cancellation)
        {
            var start = block * DiskDigest.BlockSize;
            var length = DiskDigest.BlockLength(copy._source.Length, block);
            if (await IsCopiedAsync(block, start, length, cancellation))
                return;
            foreach (var extent in copy._source.GetExtents(start, length))
            {
                if (extent.Kind == DiskExtentKind.Data)
                    await CopyDataAsync(extent, cancellation);
                else
                    HashZeros(extent.Length);
            }

            if (_hash is null)
                return;
            _hash.GetHashAndReset(_digest);
            _digest.CopyTo(copy.DigestOf(block));
            copy._options.Journal?.Record(block, _digest);
        }

        private async Task CopyDataAsync(DiskExtent extent, CancellationToken cancellation)
        {
            // Pieces end on multiples of the buffer's size, so that compressed neighbours are read together.
            for (var at = extent.Start; at < extent.End;)
            {
                cancellation.ThrowIfCancellationRequested();
                var size = (int)Math.Min(extent.End - at, _buffer.Length - (at % _buffer.Length));
                var piece = _buffer.AsMemory(0, size);
                copy._source.Read(at, piece.Span);
                _hash?.AppendData(piece.Span);
                await WriteNonZeroAsync(at, piece, cancellation);
                at += size;
            }
        }

        private async ValueTask WriteNonZeroAsync(long at, Memory<byte> piece, CancellationToken cancellation)
        {
            var pending = 0;   // start of the run of non-zero granules not yet written
            for (var i = 0; i < piece.Length;)
            {
                var size = (int)Math.Min(piece.Length - i, ZeroGranularity - ((at + i) % ZeroGranularity));
                var isZero = !piece.Span.Slice(i, size).ContainsAnyExcept((byte)0);
                if (isZero)
                {
                    await WriteAsync(at + pending, piece[pending..i], cancellation);
                    pending = i + size;
                }

                i += size;
            }

            await WriteAsync(at + pending, piece[pending..], cancellation);
        }

        private async ValueTask WriteAsync(long at, ReadOnlyMemory<byte> data, CancellationToken cancellation)
        {
            if (data.Length == 0)
                return;
            await copy._target.WriteAsync(at, data, cancellation);
            Interlocked.Add(ref copy._written, data.Length);
        }

        /// <summary>Whether a former attempt copied the block and the target still holds exactly that.</summary>
        private async Task<bool> IsCopiedAsync(long block, long start, int length, CancellationToken cancellation)
        {
            if (_hash is null || copy._options.Journal?.TryGet(block, _digest) != true)
                return false;
            for (var done = 0; done < length;)
            {
                cancellation.ThrowIfCancellationRequested();
                var piece = _buffer.AsMemory(0, Math.Min(_buffer.Length, length - done));
                await copy._target.ReadAsync(start + done, piece, cancellation);
                _hash.AppendData(piece.Span);
                done += piece.Length;
            }

            var found = _hash.GetHashAndReset();
            if (!found.AsSpan().SequenceEqual(_digest))
                return false;
            _digest.CopyTo(copy.DigestOf(block));
            Interlocked.Add(ref copy._verified, length);
            return true;
        }

        private void HashZeros(long length)
        {
            if (_hash is null)
                return;
            for (; length > 0; length -= Zeros.Length)
                _hash.AppendData(Zeros, 0, (int)Math.Min(length, Zeros.Length));
        }
    }
}
