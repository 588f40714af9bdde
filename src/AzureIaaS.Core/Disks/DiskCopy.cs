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

    /// <summary>Whether the target holds the content already, so that only its digests are wanted.</summary>
    public bool IsThere { get; init; }

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
    private const int MostThreads = 8;

    private static readonly byte[] Zeros = new byte[128 << 10];

    private readonly DiskImage _source;
    private readonly IDiskTarget _target;
    private readonly DiskCopyOptions _options;
    private readonly IProgress<long>? _progress;
    private readonly byte[] _digests;
    private readonly object _gate = new();

    /// <summary>
    /// Where more threads wait for the target than there are processors, only as many compute at once: otherwise all blocks of a round would be ready at the same
    /// late moment, and the target would have nothing to do until then.
    /// </summary>
    private readonly SemaphoreSlim? _processors;
    private IEnumerator<long>? _blocks;
    private long _written;
    private long _verified;

    private DiskCopy(DiskImage source, IDiskTarget target, DiskCopyOptions options, IProgress<long>? progress)
    {
        _source = source;
        _target = target;
        _options = options;
        _progress = progress;
        _processors = ThreadCount() > Environment.ProcessorCount ? new SemaphoreSlim(Environment.ProcessorCount) : null;
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
        if (_options.IsThere && !_options.Digest)
            return new DiskCopyResult(0, 0, null, _digests);
        if (_options.Digest)
            FillZeroDigests();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var blocks = DataBlocks(_source).GetEnumerator();
        _blocks = blocks;
        var workers = new Task[ThreadCount()];
        for (var i = 0; i < workers.Length; i++)
            workers[i] = Task.Factory.StartNew(() => Work(stop), stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
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
        if (_target.Traits.Threads > 0)
            return _target.Traits.Threads;

        // Hashing and decompression take every processor there is. Of a plain copy the one half, writing, goes by turns, since a file system
        // locks the file for it; a second thread reads meanwhile, which makes it 1.4 times as fast (measured on ext4), and a third gains nothing.
        var most = _options.Digest || _source.IsCompressed ? MostThreads : 2;
        return Math.Clamp(Environment.ProcessorCount, 1, most);
    }

    private int PieceSize() =>
        Math.Clamp(_target.Traits.PieceSize > 0 ? _target.Traits.PieceSize : _source.PreferredRead, ZeroGranularity, DiskDigest.BlockSize);

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

    private void Work(CancellationTokenSource stop)
    {
        var worker = new Worker(this, stop.Token);
        try
        {
            while (!stop.IsCancellationRequested && TakeBlock() is { } block)
            {
                _processors?.Wait(stop.Token);
                try
                {
                    worker.Copy(block);
                }
                finally
                {
                    _processors?.Release();
                }
            }

            stop.Token.ThrowIfCancellationRequested();
        }
        catch
        {
            stop.Cancel();
            worker.Abandon();
            throw;
        }
    }

    /// <summary>
    /// One thread's buffer and hash. It waits for the target on its own thread: a file completes at once, and plain code starts sooner. All runs of what the buffer
    /// holds are written side by side, so that a block of many runs takes no longer than one of few.
    /// </summary>
    private sealed class Worker(DiskCopy copy, CancellationToken cancellation)
    {
        private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(copy.PieceSize());
        private readonly IncrementalHash? _hash = copy._options.Digest ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256) : null;
        private readonly byte[] _digest = new byte[DiskDigest.HashSize];
        private readonly List<(long At, int Length)> _kept = [];
        private readonly List<Task> _writing = [];
        private bool _isCheck;   // what is read is compared, not written

        public void Copy(long block)
        {
            var start = block * DiskDigest.BlockSize;
            var length = DiskDigest.BlockLength(copy._source.Length, block);
            if (IsCopied(block, start, length))
                return;
            Take(start, length);
            WaitForWrites();
            if (_hash is null)
                return;
            _hash.GetHashAndReset(_digest);
            _digest.CopyTo(copy.DigestOf(block));
            copy._options.Journal?.Record(block, _digest);
        }

        /// <summary>Lets writes of a copy that has failed come to their end: the target outlives them.</summary>
        public void Abandon() => Task.WaitAny(Task.WhenAll(_writing));

        private void Take(long start, int length)
        {
            var extents = copy._source.GetExtents(start, length);
            foreach (var extent in copy._target.Traits.PrefersFewWrites ? SmallHoles.Fill(extents, start, length, 2 * ZeroGranularity) : extents)
            {
                if (extent.Kind == DiskExtentKind.Data)
                    CopyData(extent);
                else
                    HashZeros(extent.Length);
            }
        }

        private void CopyData(DiskExtent extent)
        {
            // Pieces end on multiples of the buffer's size, so that compressed neighbours are read together.
            for (var at = extent.Start; at < extent.End;)
            {
                cancellation.ThrowIfCancellationRequested();
                var begin = (int)(at % _buffer.Length);
                var size = (int)Math.Min(extent.End - at, _buffer.Length - begin);
                if (_buffer.Length < DiskDigest.BlockSize)
                    WaitForWrites();   // else every piece of a block has a place of its own
                var piece = _buffer.AsMemory(begin, size);
                copy._source.Read(at, piece.Span);
                _hash?.AppendData(piece.Span);
                WriteNonZero(at, piece);
                at += size;
            }
        }

        private void WriteNonZero(long at, ReadOnlyMemory<byte> piece)
        {
            var pending = 0;   // start of the run of non-zero granules not yet written
            for (var i = 0; i < piece.Length;)
            {
                var size = (int)Math.Min(piece.Length - i, ZeroGranularity - ((at + i) % ZeroGranularity));
                var isZero = !piece.Span.Slice(i, size).ContainsAnyExcept((byte)0);
                if (isZero)
                {
                    Write(at + pending, piece[pending..i]);
                    pending = i + size;
                }

                i += size;
            }

            Write(at + pending, piece[pending..]);
        }

        private void Write(long at, ReadOnlyMemory<byte> data)
        {
            if (data.Length == 0 || copy._options.IsThere)
                return;
            if (_isCheck)
            {
                _kept.Add((at, data.Length));
                return;
            }

            var writing = copy._target.WriteAsync(at, data, cancellation);   // what it computes first is done by now
            if (writing.IsCompletedSuccessfully)
                writing.GetAwaiter().GetResult();
            else
                _writing.Add(writing.AsTask());
            Interlocked.Add(ref copy._written, data.Length);
        }

        private void WaitForWrites()
        {
            if (_writing.Count == 0)
                return;
            copy._processors?.Release();
            try
            {
                Task.WhenAll(_writing).GetAwaiter().GetResult();
            }
            finally
            {
                copy._processors?.Wait(CancellationToken.None);
            }

            _writing.Clear();
        }

        /// <summary>Whether a former attempt copied the block and the target still holds exactly that.</summary>
        private bool IsCopied(long block, long start, int length)
        {
            if (_hash is null || copy._options.Journal?.TryGet(block, _digest) != true)
                return false;
            _kept.Clear();
            if (copy._target.Traits.KeepsWrites)
                HashSource(start, length);
            else
                HashTarget(start, length);
            var found = _hash.GetHashAndReset();
            if (!found.AsSpan().SequenceEqual(_digest))
                return false;
            foreach (var (at, size) in _kept)
                copy._target.Keep(at, size);
            _digest.CopyTo(copy.DigestOf(block));
            Interlocked.Add(ref copy._verified, length);
            return true;
        }

        private void HashSource(long start, int length)
        {
            _isCheck = true;
            Take(start, length);
            _isCheck = false;
        }

        private void HashTarget(long start, int length)
        {
            for (var done = 0; done < length;)
            {
                cancellation.ThrowIfCancellationRequested();
                var piece = _buffer.AsMemory(0, Math.Min(_buffer.Length, length - done));
                copy._target.ReadAsync(start + done, piece, cancellation).AsTask().GetAwaiter().GetResult();
                _hash!.AppendData(piece.Span);
                done += piece.Length;
            }
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
