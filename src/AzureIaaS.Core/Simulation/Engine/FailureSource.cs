namespace AzureIaaS.Simulation.Engine;

/// <summary>Something that fails and is repaired: a host by itself, or what takes several down at once.</summary>
internal sealed class FailureSource
{
    public required OutageCause Cause { get; init; }

    public required string Name { get; init; }

    /// <summary>The hosts that it takes down.</summary>
    public int[] Hosts { get; init; } = [];

    /// <summary>The storage unit that it takes down; -1 for none.</summary>
    public int StorageUnit { get; init; } = -1;

    /// <summary>The time from one repair to the next failure.</summary>
    public required Law Between { get; init; }

    public required Law Repair { get; init; }

    /// <summary>The crews that repair it; -1 when it is repaired without one.</summary>
    public int Crews { get; init; } = -1;

    /// <summary>When it fails for the first time, if that is told; it does not fail again.</summary>
    public long? FailsAt { get; init; }

    /// <summary>The identity of its random numbers.</summary>
    public required ulong Identity { get; init; }

    /// <summary>Whether machines can leave it for the second region.</summary>
    public bool IsDisaster => Cause is OutageCause.Zone or OutageCause.Region or OutageCause.Storage || (Cause == OutageCause.Script && Hosts.Length > 1);
}
