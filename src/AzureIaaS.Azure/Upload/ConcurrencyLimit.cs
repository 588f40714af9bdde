namespace AzureIaaS.Azure.Upload;

/// <summary>
/// How many requests may be under way at once, found out by trying: one more after each round that went well, half as many when the
/// service says that it is busy (additive increase, multiplicative decrease).
/// </summary>
/// <param name="first">How many at first.</param>
/// <param name="most">The most there can be.</param>
internal sealed class ConcurrencyLimit(int first, int most)
{
    private readonly object _gate = new();
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private int _limit = first;
    private int _running;
    private int _wentWell;

    /// <summary>How many may be under way at this moment.</summary>
    public int Limit
    {
        get
        {
            lock (_gate)
                return _limit;
        }
    }

    /// <summary>Waits for a turn.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task EnterAsync(CancellationToken cancellation)
    {
        TaskCompletionSource turn;
        lock (_gate)
        {
            if (_running < _limit)
            {
                _running++;
                return;
            }

            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(turn);
        }

        using var registration = cancellation.Register(() => turn.TrySetCanceled(cancellation));
        await turn.Task;
    }

    /// <summary>Gives the turn back.</summary>
    /// <param name="wasBusy">Whether the service said that it is busy.</param>
    public void Leave(bool wasBusy)
    {
        lock (_gate)
        {
            _running--;
            if (wasBusy)
            {
                _limit = Math.Max(1, _limit / 2);
                _wentWell = 0;
            }
            else if (++_wentWell >= _limit)
            {
                _limit = Math.Min(most, _limit + 1);
                _wentWell = 0;
            }

            while (_running < _limit && _waiting.TryDequeue(out var turn))
            {
                if (turn.TrySetResult())
                    _running++;
            }
        }
    }
}
