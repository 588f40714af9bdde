namespace AzureIaaS.Disks.Vhdx;

/// <summary>The state of a payload block (MS-VHDX 2.5.1.1).</summary>
internal enum PayloadBlockState
{
    /// <summary>Nothing is there.</summary>
    NotPresent = 0,

    /// <summary>Its content does not matter.</summary>
    Undefined = 1,

    /// <summary>Zeros.</summary>
    Zero = 2,

    /// <summary>The guest has discarded it.</summary>
    Unmapped = 3,

    /// <summary>All of it is in the file.</summary>
    FullyPresent = 6,

    /// <summary>Some of it is in the file, the rest in the parent's.</summary>
    PartiallyPresent = 7,
}

/// <summary>An entry of the block allocation table (MS-VHDX 2.5.1).</summary>
/// <param name="Value">The eight bytes as they are.</param>
internal readonly record struct BatEntry(ulong Value)
{
    /// <summary>How long an entry is.</summary>
    public const int Size = sizeof(ulong);

    /// <summary>What is known of the block: the lowest three bits.</summary>
    public PayloadBlockState State => (PayloadBlockState)(Value & 7);

    /// <summary>Where the block is: the highest 44 bits count mebibytes. What no file can reach is negative.</summary>
    public long FileOffset => (long)(Value >> 20 << 20);
}
