namespace AzureIaaS.Disks.Qcow2;

/// <summary>An entry of an L2 table (QEMU docs/interop/qcow2.txt, "L2 table entry" and the two descriptors after it).</summary>
/// <param name="Value">The eight bytes as a number.</param>
internal readonly record struct L2Entry(ulong Value)
{
    private const ulong OffsetMask = 0x00FF_FFFF_FFFF_FE00;
    private const ulong StandardReserved = 0x3F00_0000_0000_01FE;
    private const ulong CompressedFlag = 1UL << 62;
    private const int SectorSize = 512;

    /// <summary>Whether the rest describes compressed clusters.</summary>
    public bool IsCompressed => (Value & CompressedFlag) != 0;

    /// <summary>Standard: whether the cluster reads as zeros, whatever its offset.</summary>
    public bool IsZero => (Value & 1) != 0;

    /// <summary>Standard: whether only one state of the image uses the cluster.</summary>
    public bool IsCopied => (Value & (1UL << 63)) != 0;

    /// <summary>Standard: whether bits are set that have no meaning.</summary>
    public bool HasReservedBits => (Value & StandardReserved) != 0;

    /// <summary>Standard: where the cluster is; zero where it is not allocated.</summary>
    public long Offset => (long)(Value & OffsetMask);

    /// <summary>Compressed: where the data starts, at any byte.</summary>
    /// <param name="clusterBits">The header's cluster_bits.</param>
    public long CompressedOffset(int clusterBits) => (long)(Value & ((1UL << OffsetBits(clusterBits)) - 1));

    /// <summary>Compressed: how many bytes it takes at most, counted in whole sectors from the one it starts in.</summary>
    /// <param name="clusterBits">The header's cluster_bits.</param>
    public int CompressedLength(int clusterBits)
    {
        var additionalSectors = (int)((Value & (CompressedFlag - 1)) >> OffsetBits(clusterBits));
        return ((additionalSectors + 1) * SectorSize) - (int)(CompressedOffset(clusterBits) % SectorSize);
    }

    private static int OffsetBits(int clusterBits) => 62 - (clusterBits - 8);
}
