using AzureIaaS.Local.Networking.Switching;

namespace AzureIaaS.Local.Tests.Networking;

public sealed class FrameQueueTests : IDisposable
{
    private readonly FramePool _pool = new(2048);

    public void Dispose() => _pool.Dispose();

    [Fact]
    public void EverySourceHasItsTurnHoweverMuchAnotherHasWaiting()
    {
        var queue = new FrameQueue(_pool);
        for (var i = 0; i < 200; i++)
            Assert.True(Add(queue, 1, 1500));
        Assert.True(Add(queue, 2, 1500));
        var taken = new int[16];
        Assert.Equal(16, queue.Take(taken));
        Assert.Contains(2, taken.Select(SourceOf));
    }

    [Fact]
    public void SourcesGetTheSameBytesAndNotTheSameFrames()
    {
        var queue = new FrameQueue(_pool);
        for (var i = 0; i < 250; i++)
        {
            Add(queue, 1, 9000);
            Add(queue, 2, 900);
        }

        var taken = new int[110];
        Assert.Equal(110, queue.Take(taken));
        var bytes = taken.GroupBy(SourceOf).ToDictionary(g => g.Key, g => g.Sum(s => _pool.Length(s)));
        Assert.InRange((double)bytes[1] / bytes[2], 0.8, 1.25);
    }

    [Fact]
    public void ASourcesOwnOrderStays()
    {
        var queue = new FrameQueue(_pool);
        var added = Enumerable.Range(0, 100).Select(i => (Source: i % 3, Slot: AddSlot(queue, i % 3, 60 + i))).ToList();
        var taken = new int[100];
        Assert.Equal(100, queue.Take(taken));
        Assert.Equal(0, queue.Take(taken.AsSpan()[..1]));
        for (var source = 0; source < 3; source++)
            Assert.Equal(added.Where(a => a.Source == source).Select(a => a.Slot), taken.Where(t => added.Contains((source, t))));
    }

    [Fact]
    public void ASourceHasNoMoreWaitingThanItsShare()
    {
        var queue = new FrameQueue(_pool);
        for (var i = 0; i < FrameQueue.MostOfOne; i++)
            Assert.True(Add(queue, 1, 100));
        Assert.False(Add(queue, 1, 100));
        Assert.True(Add(queue, 2, 100));
        Assert.Equal(FrameQueue.MostOfOne + 1, queue.Count);
    }

    [Fact]
    public void NothingIsAllocatedPerFrame()
    {
        var queue = new FrameQueue(_pool);
        var taken = new int[64];
        void Round()
        {
            for (var i = 0; i < 64; i++)
            {
                var slot = _pool.Rent();
                _pool.SetLength(slot, 64);
                _pool.Charge(slot, 1 + (i % 4));
                queue.Add(1 + (i % 4), slot);
                _pool.Release(slot);
            }

            for (var count = queue.Take(taken); count > 0; count--)
                _pool.Release(taken[count - 1]);
        }

        for (var i = 0; i < 100; i++)
            Round();
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Round();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    [Fact]
    public void AFloodLeavesHalfOfThePoolToOthers()
    {
        using var pool = new FramePool(100);
        var held = 0;
        while (pool.Rent() is >= 0 and var slot && pool.Charge(slot, 1))
            held++;
        Assert.InRange(held, 45, 55);
        Assert.True(pool.Rent() is >= 0 and var other && pool.Charge(other, 2));
    }

    private bool Add(FrameQueue queue, int source, int length)
    {
        var slot = _pool.Rent();
        _pool.SetLength(slot, length);
        _sources[slot] = source;
        var added = queue.Add(source, slot);
        _pool.Release(slot);
        return added;
    }

    private int AddSlot(FrameQueue queue, int source, int length)
    {
        var slot = _pool.Rent();
        _pool.SetLength(slot, length);
        queue.Add(source, slot);
        return slot;
    }

    private readonly Dictionary<int, int> _sources = [];

    private int SourceOf(int slot) => _sources[slot];
}
