using AzureIaaS.Disks;
using AzureIaaS.Disks.Vhd;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Upload;

/// <summary>
/// A managed disk that is being uploaded, as the target of a copy: the disk's bytes as pages, and last the footer that makes them a fixed VHD.
/// Azure looks at the footer when access is revoked, so a disk without one can never be mistaken for a whole one.
/// </summary>
internal sealed class PageTarget : IDiskTarget
{
    /// <summary>How many requests are under way at most: eight of up to 4 MiB are enough for what one disk takes.</summary>
    public const int MostAtOnce = 8;

    /// <summary>How many blocks are read, decompressed and hashed meanwhile, so that the service never waits for the next. What is under way or made ready is repeated
    /// after an interruption: ten blocks of 4 MiB at most.</summary>
    private const int MadeReady = 2;

    private readonly PageBlob _blob;
    private readonly PageRanges _written = new();
    private readonly VirtualDisk _disk;
    private readonly Guid _footerId;
    private readonly IProgress<Notice> _notices;
    private readonly TouchedBlocks? _touched;

    /// <summary>Uses a blob.</summary>
    /// <param name="blob">The pages; closed with the target.</param>
    /// <param name="disk">The disk.</param>
    /// <param name="footerId">The identity that the footer gives it.</param>
    /// <param name="notices">Receives details.</param>
    /// <param name="touched">For a disk that is brought up to date: takes note of what is written, and zeros then give pages up; null for one that is new.</param>
    public PageTarget(PageBlob blob, VirtualDisk disk, Guid footerId, IProgress<Notice> notices, TouchedBlocks? touched = null)
    {
        _touched = touched;
        _blob = blob;
        _disk = disk;
        _footerId = footerId;
        _notices = notices;
    }

    public DiskTargetTraits Traits { get; } =
        new() { PieceSize = DiskDigest.BlockSize, Threads = MostAtOnce + MadeReady, Alignment = PageBlob.PageSize, KeepsWrites = true, PrefersFewWrites = true };

    public async ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        _touched?.Touch(offset);
        if (_touched is not null && !data.Span.ContainsAnyExcept((byte)0))
        {
            await _blob.ClearAsync(offset, data.Length, cancellation);
            return;
        }

        await _blob.WriteAsync(offset, data, cancellation);
        _written.Add(offset, offset + data.Length);
    }

    public void Keep(long offset, int length) => _written.Add(offset, offset + length);

    public async ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellation) => await _blob.ReadAsync(offset, buffer, cancellation);

    /// <summary>Checks that the disk has the pages it was given and no others, then writes the footer.</summary>
    /// <param name="cancellation">Stops it.</param>
    public async ValueTask FlushAsync(CancellationToken cancellation)
    {
        var written = _written.Merged();
        await CheckAsync(written, cancellation);
        await _blob.WriteAsync(_disk.Length, FixedVhd.Footer(_disk.Length, _footerId), cancellation);
        _notices.Report(Notice.Verbose($"{_disk.Path}: {written.Sum(r => r.End - r.Start):N0} bytes in {written.Count:N0} ranges; {_blob.Sent:N0} of them sent now, by {_blob.Requests:N0} requests."));
    }

    /// <summary>Every page's content was compared by its digest when it was taken; what remains is that all are there, and nothing else is.</summary>
    private async Task CheckAsync(IReadOnlyList<(long Start, long End)> written, CancellationToken cancellation)
    {
        IReadOnlyList<(long Start, long End)> there;
        try
        {
            there = await _blob.GetRangesAsync(_disk.Length, cancellation);
        }
        catch (IaaSException e) when (e.Kind == ErrorKind.AccessDenied)
        {
            // Nowhere is it written that access to write a managed disk is access to list its pages.
            _notices.Report(Notice.Warning($"{_disk.Path}: Azure does not list the disk's pages, so that all are there was not compared; each was, when it was taken."));
            return;
        }

        if (PageRanges.FirstDifference(written, there) is { } at)
        {
            throw new IaaSException(ErrorKind.InvalidData, "UploadDiffers", $"{_disk.Path}: the disk in Azure differs from its source at byte {at:N0}.",
                "Undo-IaaSOperation removes it; then import again, and see that nobody else writes to the disk.", _disk.Path);
        }
    }

    public ValueTask DisposeAsync()
    {
        _blob.Dispose();
        _touched?.Dispose();
        return ValueTask.CompletedTask;
    }
}
