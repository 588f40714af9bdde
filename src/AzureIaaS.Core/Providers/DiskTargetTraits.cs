namespace AzureIaaS.Providers;

/// <summary>What a target asks of whoever copies to it.</summary>
public sealed record DiskTargetTraits
{
    /// <summary>A target that asks for nothing: a file.</summary>
    public static DiskTargetTraits None { get; } = new();

    /// <summary>How many bytes are best written at once, at most a block of <see cref="Disks.DiskDigest"/>; 0 for what suits the image.</summary>
    public int PieceSize { get; init; }

    /// <summary>How many threads may wait for it at once; 0 for what suits the processor.</summary>
    public int Threads { get; init; }

    /// <summary>What every piece must be aligned to, in bytes.</summary>
    public int Alignment { get; init; } = 1;

    /// <summary>
    /// Whether each write costs as much as many bytes do. Holes between data are then written with it, but for whole pieces of 64 KiB.
    /// </summary>
    public bool PrefersFewWrites { get; init; }

    /// <summary>
    /// Whether a piece is safe, and has been checked, once its write has returned. A former attempt's blocks are then compared with the source
    /// instead of being read back, which over a network would cost as much as writing them again.
    /// </summary>
    public bool KeepsWrites { get; init; }
}
