using System.Security.Cryptography;
using AzureIaaS.Disks;
using AzureIaaS.Providers;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks;

public sealed class DiskCopyTests : IDisposable
{
    private const int Block = DiskDigest.BlockSize;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    public async Task CopiesEveryByteAndDescribesIt(int threads)
    {
        var content = Content((3 * Block) + 12345, dataAt: [(0, 70_000), (Block - 10, 20), ((2 * Block) + 5, 300_000), ((3 * Block) + 12000, 345)]);
        var (target, result) = await CopyAsync(content, new DiskCopyOptions { Threads = threads });
        Assert.Equal(content, target.Content);
        Assert.Equal(DigestOf(content), result.Digest);
    }

    [Fact]
    public async Task WritesNoZeros()
    {
        var content = Content(8 << 20, dataAt: [(1 << 20, 64 << 10)]);
        var (target, result) = await CopyAsync(content, new DiskCopyOptions());
        Assert.Equal(content, target.Content);
        Assert.Equal(64 << 10, result.BytesWritten);
    }

    [Theory]
    [InlineData(false, 3, 12 << 10)]     // what the file has allocated
    [InlineData(true, 1, 100 << 10)]     // from the first to the last: no whole piece of 64 KiB lies between
    public async Task ATargetThatPrefersFewWritesGetsSmallHolesWithThem(bool few, int writes, int bytes)
    {
        var path = Path.Combine(_folder.Path, "holes.raw");
        using (var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write))
        {
            foreach (var at in new[] { 4 << 10, 40 << 10, 100 << 10 })
                RandomAccess.Write(file, Content(4096, [(0, 4096)]), at);
            RandomAccess.SetLength(file, Block);
        }

        using var image = DiskFormat.OpenImage(path, new DiskOpenOptions { Format = "raw" });
        var target = new MemoryTarget(Block) { Traits = new DiskTargetTraits { PrefersFewWrites = few } };
        var result = await DiskCopy.RunAsync(image, target, new DiskCopyOptions(), null, CancellationToken.None);

        Assert.Equal(File.ReadAllBytes(path), target.Content);
        Assert.Equal(DigestOf(target.Content), result.Digest);
        Assert.Equal((writes, (long)bytes), (target.Writes, result.BytesWritten));
    }

    [Fact]
    public async Task WithoutADigestThereIsNone()
    {
        var content = Content(Block + 1, dataAt: [(0, 100)]);
        var (target, result) = await CopyAsync(content, new DiskCopyOptions { Digest = false });
        Assert.Equal(content, target.Content);
        Assert.Null(result.Digest);
        Assert.True(result.BlockDigests.IsEmpty);
    }

    [Fact]
    public async Task TheDigestIsTheDefinedOne()
    {
        // SHA-256 over the list of the blocks' SHA-256: computed here by other means, for a disk of two blocks, the second a hole and short.
        var content = new byte[Block + 512];
        content[7] = 42;
        var (_, result) = await CopyAsync(content, new DiskCopyOptions());
        var list = SHA256.HashData(content.AsSpan(0, Block)).Concat(SHA256.HashData(new byte[512])).ToArray();
        Assert.Equal("sha256-4m:" + Convert.ToHexStringLower(SHA256.HashData(list)), result.Digest);
    }

    [Fact]
    public async Task AResumedCopyReadsBackWhatWasCopiedAndWritesOnlyTheRest()
    {
        var content = Content(4 * Block, dataAt: [(0, 4 * Block)]);
        var journal = new MemoryJournal();
        var target = new MemoryTarget(content.Length);
        content.AsSpan(0, 2 * Block).CopyTo(target.Content);
        journal.Record(0, SHA256.HashData(content.AsSpan(0, Block)));
        journal.Record(1, SHA256.HashData(content.AsSpan(Block, Block)));
        target.Content[Block + 99] ^= 1;   // the target lost what the journal says of block 1

        var result = await CopyAsync(content, target, new DiskCopyOptions { Journal = journal });
        Assert.Equal(content, target.Content);
        Assert.Equal(Block, result.BytesVerified);
        Assert.Equal(3 * Block, result.BytesWritten);
        Assert.Equal(DigestOf(content), result.Digest);
        Assert.Equal(4, journal.Count);
    }

    [Fact]
    public async Task TheTargetsFailureIsReportedNotTheCancellationItCauses()
    {
        var content = Content(6 * Block, dataAt: [(0, 6 * Block)]);
        var target = new MemoryTarget(content.Length) { FailsAt = 3 * Block };
        var failure = await Assert.ThrowsAsync<IaaSException>(() => CopyAsync(content, target, new DiskCopyOptions { Threads = 3 }));
        Assert.Equal("NotEnoughSpace", failure.ErrorId);
    }

    [Fact]
    public async Task RunsOfABlockAreWrittenSideBySide()
    {
        var content = Content(2 * Block, dataAt: [(0, 70_000), (1 << 20, 70_000), (2 << 20, 70_000), (Block, Block)]);
        var target = new MemoryTarget(content.Length) { Traits = new DiskTargetTraits { PieceSize = Block, Threads = 1 }, WaitsFor = 3 };

        var result = await CopyAsync(content, target, new DiskCopyOptions());   // with one at a time, the first would wait for ever

        Assert.Equal(content, target.Content);
        Assert.Equal(DigestOf(content), result.Digest);
    }

    [Fact]
    public async Task AFailureWaitsForTheWritesUnderWay()
    {
        var content = Content(Block, dataAt: [(0, 70_000), (1 << 20, 70_000), (2 << 20, 70_000)]);
        var target = new MemoryTarget(content.Length) { Traits = new DiskTargetTraits { PieceSize = Block, Threads = 1 }, WaitsFor = 4, FailsAt = 2 << 20 };

        var failure = await Assert.ThrowsAsync<IaaSException>(() => CopyAsync(content, target, new DiskCopyOptions()));

        Assert.Equal(("NotEnoughSpace", 0), (failure.ErrorId, target.UnderWay));
    }

    [Fact]
    public async Task CancellingLeavesTheJournalGood()
    {
        var content = Content(6 * Block, dataAt: [(0, 6 * Block)]);
        using var stop = new CancellationTokenSource();
        var journal = new MemoryJournal { OnRecord = () => stop.Cancel() };
        var target = new MemoryTarget(content.Length);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => CopyAsync(content, target, new DiskCopyOptions { Journal = journal, Threads = 1 }, stop.Token));
        Assert.Equal(1, journal.Count);
        journal.OnRecord = null;
        var result = await CopyAsync(content, target, new DiskCopyOptions { Journal = journal });
        Assert.Equal(content, target.Content);
        Assert.Equal(Block, result.BytesVerified);
    }

    private static byte[] Content(int length, (int At, int Length)[] dataAt)
    {
        var content = new byte[length];
        var random = new Random(length);
        foreach (var (at, size) in dataAt)
            random.NextBytes(content.AsSpan(at, size));
        return content;
    }

    private static string DigestOf(byte[] content)
    {
        var list = new List<byte>();
        for (var at = 0; at < content.Length; at += Block)
            list.AddRange(SHA256.HashData(content.AsSpan(at, Math.Min(Block, content.Length - at))));
        return DiskDigest.Describe([.. list]);
    }

    private async Task<(MemoryTarget Target, DiskCopyResult Result)> CopyAsync(byte[] content, DiskCopyOptions options)
    {
        var target = new MemoryTarget(content.Length);
        return (target, await CopyAsync(content, target, options));
    }

    private async Task<DiskCopyResult> CopyAsync(byte[] content, MemoryTarget target, DiskCopyOptions options, CancellationToken cancellation = default)
    {
        var path = Path.Combine(_folder.Path, "source.raw");
        await File.WriteAllBytesAsync(path, content, CancellationToken.None);
        using var image = DiskFormat.OpenImage(path, new DiskOpenOptions { Format = "raw" });
        return await DiskCopy.RunAsync(image, target, options, null, cancellation);
    }

    private sealed class MemoryTarget(int length) : IDiskTarget
    {
        public byte[] Content { get; } = new byte[length];

        public long? FailsAt { get; init; }

        public int Writes { get; private set; }

        /// <summary>How many writes of the first block must be under way before one of them ends; 0 for a target that ends each at once.</summary>
        public int WaitsFor { get; init; }

        public int UnderWay => _underWay;

        private readonly TaskCompletionSource _enough = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _underWay;

        public DiskTargetTraits Traits { get; init; } = DiskTargetTraits.None;

        public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellation)
        {
            if (offset + data.Length > FailsAt)
                throw new IaaSException(ErrorKind.NoCapacity, "NotEnoughSpace", "full", "make room");
            if (WaitsFor > 0 && offset < Block)
                return new ValueTask(WriteLaterAsync(offset, data, cancellation));
            data.CopyTo(Content.AsMemory((int)offset));
            Writes++;
            return ValueTask.CompletedTask;
        }

        private async Task WriteLaterAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellation)
        {
            if (Interlocked.Increment(ref _underWay) == WaitsFor)
                _enough.SetResult();
            try
            {
                await _enough.Task.WaitAsync(cancellation);
                data.CopyTo(Content.AsMemory((int)offset));
            }
            finally
            {
                Interlocked.Decrement(ref _underWay);
            }
        }

        public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellation)
        {
            Content.AsMemory((int)offset, buffer.Length).CopyTo(buffer);
            return ValueTask.CompletedTask;
        }

        public ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private sealed class MemoryJournal : ICopyJournal
    {
        private readonly Dictionary<long, byte[]> _records = [];

        public Action? OnRecord { get; set; }

        public int Count => _records.Count;

        public bool TryGet(long block, Span<byte> digest)
        {
            lock (_records)
            {
                if (!_records.TryGetValue(block, out var known))
                    return false;
                known.CopyTo(digest);
                return true;
            }
        }

        public void Record(long block, ReadOnlySpan<byte> digest)
        {
            lock (_records)
                _records[block] = digest.ToArray();
            OnRecord?.Invoke();
        }
    }
}
