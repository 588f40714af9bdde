namespace AzureIaaS.Disks.Writing;

/// <summary>Lets several threads do their part of the work on a row of blocks in any order, and another part in the row's order.</summary>
internal sealed class BlockTurns
{
    private readonly object _gate = new();
    private long _turn;
    private bool _isBroken;

    /// <summary>Waits until it is a block's turn, does the work, and passes the turn on.</summary>
    /// <param name="number">The block's number in the row, from 0.</param>
    /// <param name="work">What has to be done in order.</param>
    /// <exception cref="OperationCanceledException">Another thread failed; there will be no turn.</exception>
    public void Do(long number, Action work)
    {
        lock (_gate)
        {
            while (_turn != number && !_isBroken)
                Monitor.Wait(_gate);
            if (_isBroken)
                throw new OperationCanceledException("Another part of the work failed.");
        }

        work();
        lock (_gate)
        {
            _turn++;
            Monitor.PulseAll(_gate);
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
}
