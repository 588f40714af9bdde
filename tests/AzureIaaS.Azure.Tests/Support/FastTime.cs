namespace AzureIaaS.Azure.Tests.Support;

/// <summary>A clock whose waits are a thousand times as short, and whose hands can be put forward.</summary>
internal sealed class FastTime : TimeProvider
{
    private TimeSpan _ahead;

    public List<TimeSpan> Waits { get; } = [];

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + _ahead;

    public void Advance(TimeSpan time) => _ahead += time;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        lock (Waits)
            Waits.Add(dueTime);
        return base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / 1000 : dueTime, period);
    }
}
