namespace AzureIaaS.Simulation.Engine;

/// <summary>Hosts in the order in which machines are given to them: the one with the least number first, and of equals the first.</summary>
internal abstract class HostOrder
{
    private readonly int[]? _names;   // null when they are consecutive
    private readonly int _firstName;

    /// <summary>An order in which all stand at infinity.</summary>
    /// <param name="names">What the hosts are called, in ascending order.</param>
    protected HostOrder(IReadOnlyList<int> names)
    {
        Count = names.Count;
        _firstName = Count > 0 ? names[0] : 0;
        _names = Count > 0 && names[^1] - _firstName != Count - 1 ? [.. names] : null;
    }

    /// <summary>The least number; infinity when all are.</summary>
    public abstract double Min { get; }

    /// <summary>The name of the first host that has the least number; -1 when all are at infinity.</summary>
    public abstract int First { get; }

    protected int Count { get; }

    /// <summary>Changes a host's number.</summary>
    /// <param name="at">Which host, by its place among the names.</param>
    /// <param name="value">The number; infinity while it takes none.</param>
    public abstract void Set(int at, double value);

    /// <summary>Fetches what is known of a host into the cache meanwhile.</summary>
    /// <param name="at">Which host.</param>
    public abstract void Prefetch(int at);

    protected int NameOf(int at) => _names is null ? _firstName + at : _names[at];
}
