namespace AzureIaaS.Simulation.Engine;

/// <summary>Those who repair hosts: so many in each region, and a queue of what waits for them, first come first served.</summary>
internal sealed class Crews(int regions, int each)
{
    private readonly int[] _free = new int[regions];
    private readonly Queue<int>[] _waiting = [.. Enumerable.Range(0, regions).Select(_ => new Queue<int>())];

    public void Reset()
    {
        Array.Fill(_free, each);
        foreach (var queue in _waiting)
            queue.Clear();
    }

    /// <summary>Takes a crew, or queues for one.</summary>
    public bool TryTake(int region, int source)
    {
        if (_free[region] > 0)
        {
            _free[region]--;
            return true;
        }

        _waiting[region].Enqueue(source);
        return false;
    }

    /// <summary>A crew has finished; the answer is what it does next, -1 for nothing.</summary>
    public int GiveBack(int region)
    {
        if (_waiting[region].TryDequeue(out var next))
            return next;
        _free[region]++;
        return -1;
    }
}
