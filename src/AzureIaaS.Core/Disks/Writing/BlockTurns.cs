namespace AzureIaaS.Disks.Writing;

/// <summary>
/// Lets several threads do their part of the work on a row of blocks in any order, and another part in the row's order. Who is done before its turn
/// leaves the block to whom the turn comes to, and goes on with another.
/// </summary>
/// <typeparam name="T">What a thread works on a block with, and leaves with it.</typeparam>
/// <param name="tools">As many as blocks may be under way; more than threads, or those that are early wait.</param>
/// <param name="work">What has to be done in order, by one thread at a time.</param>
internal sealed class BlockTurns<T>(IEnumerable<T> tools, Action<long, T> work)
{
    private readonly object _gate = new();
    private readonly Stack<T> _free = new(tools);
    private readonly Dictionary<long, T> _ready = [];
    private long _turn;
    private bool _isWorking;
    private bool _isBroken;

    /// <summary>Waits until there is something to work with. Only then may the thread take the next block of the row, or all could be with later ones.</summary>
    /// <exception cref="OperationCanceledException">Another thread failed.</exception>
    public T Take()
    {
        lock (_gate)
        {
            while (_free.Count == 0 && !_isBroken)
                Monitor.Wait(_gate);
            return _isBroken ? throw new OperationCanceledException("Another part of the work failed.") : _free.Pop();
        }
    }

    /// <summary>Hands in a block. If it is its turn, its work is done now, and that of those behind it which are ready.</summary>
    /// <param name="number">The block's number in the row, from 0.</param>
    /// <param name="tool">What was taken for it; it is given back by this.</param>
    public void HandIn(long number, T tool)
    {
        lock (_gate)
        {
            _ready.Add(number, tool);
            if (_isWorking)
                return;
            _isWorking = true;
        }

        while (TakeReady() is { } next)
        {
            work(next.Number, next.Tool);
            lock (_gate)
            {
                _turn++;
                _free.Push(next.Tool);
                Monitor.Pulse(_gate);
            }
        }
    }

    /// <summary>Lets nobody wait any more.</summary>
    public void Break()
    {
        lock (_gate)
        {
            _isBroken = true;
            Monitor.PulseAll(_gate);
        }
    }

    private (long Number, T Tool)? TakeReady()
    {
        lock (_gate)
        {
            if (!_isBroken && _ready.Remove(_turn, out var tool))
                return (_turn, tool);
            _isWorking = false;
            return null;
        }
    }
}
