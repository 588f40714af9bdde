using System.Security.Cryptography;
using AzureIaaS.Providers;

namespace AzureIaaS.Disks;

/// <summary>What a pass over a disk has done.</summary>
/// <param name="BytesRead">How many bytes of the source were read.</param>
/// <param name="BlocksChanged">How many blocks were not as they were.</param>
/// <param name="BytesWritten">How many bytes were written to the target.</param>
/// <param name="BlockDigests">The digests of all blocks in order.</param>
public sealed record DiskRefreshResult(long BytesRead, long BlocksChanged, long BytesWritten, byte[] BlockDigests);

/// <summary>
/// Brings a copy up to date: reads the source again, and of the blocks of 4 MiB whose digest has changed writes what differs. What a former pass
/// has left is known by its digests, or, where it was cut off, by reading it back.
/// </summary>
public sealed class DiskRefresh
{
    private const int Granule = 64 << 10;
    private const int Piece = 256 << 10;

    private readonly DiskImage _source;
    private readonly IDiskTarget _target;
    private readonly byte[]? _known;
    private readonly byte[] _digests;
    private readonly IProgress<long>? _progress;
    private readonly ICopyJournal? _journal;
    private long _next = -1;
    private long _read;
    private long _changed;
    private long _written;

    private DiskRefresh(DiskImage source, IDiskTarget target, byte[]? known, IProgress<long>? progress, ICopyJournal? journal)
    {
        (_source, _target, _known, _progress, _journal) = (source, target, known, progress, journal);
        _digests = new byte[DiskDigest.BlockCount(source.Length) * DiskDigest.HashSize];
    }

    /// <summary>Brings a copy up to date.</summary>
    /// <param name="source">The image.</param>
    /// <param name="target">Its copy, of the same length.</param>
    /// <param name="known">The digests of the copy's blocks; null to read them back.</param>
    /// <param name="progress">Receives the position up to which blocks have been taken, in bytes.</param>
    /// <param name="cancellation">Stops it; the copy is then of no one moment, and the next pass must read it back, or ask the journal.</param>
    /// <param name="journal">Where blocks are recorded that the target holds; null where it is read back instead.</param>
    /// <exception cref="DiskImageException">The source is damaged or cannot be read.</exception>
    /// <exception cref="IaaSException">The target cannot take it.</exception>
    public static async Task<DiskRefreshResult> RunAsync(DiskImage source, IDiskTarget target, byte[]? known, IProgress<long>? progress, CancellationToken cancellation, ICopyJournal? journal = null)
    {
        if (known is not null && known.Length != DiskDigest.BlockCount(source.Length) * DiskDigest.HashSize)
            throw new ArgumentException("There are not as many digests as blocks.", nameof(known));
        var refresh = new DiskRefresh(source, target, known, progress, journal);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var workers = new Task[target.Traits.Threads > 0 ? target.Traits.Threads : Math.Clamp(Environment.ProcessorCount, 1, 8)];
        for (var i = 0; i < workers.Length; i++)
            workers[i] = Task.Factory.StartNew(() => refresh.Work(stop), stop.Token, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        await DiskCopy.WaitForAllAsync(workers);
        cancellation.ThrowIfCancellationRequested();
        progress?.Report(source.Length);
        return new DiskRefreshResult(refresh._read, refresh._changed, refresh._written, refresh._digests);
    }

    private void Work(CancellationTokenSource stop)
    {
        var (block, copy) = (new byte[DiskDigest.BlockSize], _target.Traits.KeepsWrites ? [] : new byte[DiskDigest.BlockSize]);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        try
        {
            for (long index; (index = Interlocked.Increment(ref _next)) < DiskDigest.BlockCount(_source.Length);)
            {
                stop.Token.ThrowIfCancellationRequested();
                _progress?.Report(index * DiskDigest.BlockSize);
                var length = DiskDigest.BlockLength(_source.Length, index);
                if (_target.Traits.KeepsWrites)
                    Send(index, block.AsMemory(0, length), hash, stop.Token);
                else
                    Refresh(index, block.AsMemory(0, length), copy.AsMemory(0, length), hash, stop.Token);
            }
        }
        catch
        {
            stop.Cancel();
            throw;
        }
    }

    private void Refresh(long index, Memory<byte> block, Memory<byte> copy, IncrementalHash hash, CancellationToken cancellation)
    {
        var start = index * DiskDigest.BlockSize;
        var digest = Hash(index, block, hash);
        if (_known is not null && digest.SequenceEqual(Known(index)))
            return;
        _target.ReadAsync(start, copy, cancellation).AsTask().GetAwaiter().GetResult();
        if (block.Span.SequenceEqual(copy.Span))
            return;
        Interlocked.Increment(ref _changed);
        for (var at = 0; at < block.Length;)
        {
            var from = at;
            while (at < block.Length && !IsSame(block, copy, at))
                at += Granule;
            if (at > from)
                Write(start + from, block[from..Math.Min(at, block.Length)], cancellation);
            else
                at += Granule;
        }
    }

    /// <summary>A block for a target that is far away: what it has is not read, but known; a block that has changed is sent wholly.</summary>
    private void Send(long index, Memory<byte> block, IncrementalHash hash, CancellationToken cancellation)
    {
        var start = index * DiskDigest.BlockSize;
        var digest = Hash(index, block, hash);
        var isKept = _known is not null && digest.SequenceEqual(Known(index));
        var wasZero = _known is not null && Known(index).SequenceEqual(DiskDigest.ZeroBlock(block.Length));
        for (var at = 0; at < block.Length;)
        {
            var (from, isZero) = (at, IsZero(block, at));
            while (at < block.Length && IsZero(block, at) == isZero)
                at += Granule;
            at = Math.Min(at, block.Length);
            if (isKept && !isZero)
                _target.Keep(start + from, at - from);
            else if (!isKept && !(isZero && wasZero))
                Write(start + from, block[from..at], cancellation);
        }

        if (isKept)
            return;
        Interlocked.Increment(ref _changed);
        _journal?.Record(index, digest);
    }

    private static bool IsZero(ReadOnlyMemory<byte> block, int at) => !block.Span.Slice(at, Math.Min(Granule, block.Length - at)).ContainsAnyExcept((byte)0);

    private ReadOnlySpan<byte> Known(long index) => _known.AsSpan((int)(index * DiskDigest.HashSize), DiskDigest.HashSize);

    /// <summary>Reads a block of the source, and hashes each piece while it is still in the processor's cache.</summary>
    /// <returns>Its digest, in its place among all.</returns>
    private ReadOnlySpan<byte> Hash(long index, Memory<byte> block, IncrementalHash hash)
    {
        var start = index * DiskDigest.BlockSize;
        var digest = _digests.AsSpan((int)(index * DiskDigest.HashSize), DiskDigest.HashSize);
        var extents = _source.GetExtents(start, block.Length).ToList();
        if (extents.All(e => e.Kind != DiskExtentKind.Data))
        {
            block.Span.Clear();
            DiskDigest.ZeroBlock(block.Length).CopyTo(digest);
            return digest;
        }

        foreach (var extent in extents)
        {
            for (var at = extent.Start; at < extent.End; at += Piece)
            {
                var piece = block.Span.Slice((int)(at - start), (int)Math.Min(Piece, extent.End - at));
                if (extent.Kind == DiskExtentKind.Data)
                    _source.Read(at, piece);
                else
                    piece.Clear();
                hash.AppendData(piece);
            }

            if (extent.Kind == DiskExtentKind.Data)
                Interlocked.Add(ref _read, extent.Length);
        }

        hash.GetHashAndReset(digest);
        return digest;
    }

    private static bool IsSame(ReadOnlyMemory<byte> block, ReadOnlyMemory<byte> copy, int at)
    {
        var length = Math.Min(Granule, block.Length - at);
        return block.Span.Slice(at, length).SequenceEqual(copy.Span.Slice(at, length));
    }

    private void Write(long at, ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        _target.WriteAsync(at, data, cancellation).AsTask().GetAwaiter().GetResult();
        Interlocked.Add(ref _written, data.Length);
    }
}
