namespace AzureIaaS.Disks;

/// <summary>What a run of a virtual disk holds.</summary>
public enum DiskExtentKind
{
    /// <summary>Stored bytes, which may still happen to be zeros.</summary>
    Data,

    /// <summary>Zeros, because the format says so explicitly.</summary>
    Zero,

    /// <summary>Nothing is allocated here; it reads as zeros.</summary>
    Hole,
}

/// <summary>A run of a virtual disk of one kind.</summary>
/// <param name="Start">Where the run starts on the virtual disk, in bytes.</param>
/// <param name="Length">How long the run is, in bytes; more than zero.</param>
/// <param name="Kind">What it holds.</param>
public readonly record struct DiskExtent(long Start, long Length, DiskExtentKind Kind)
{
    /// <summary>The first byte after the run.</summary>
    public long End => Start + Length;
}
