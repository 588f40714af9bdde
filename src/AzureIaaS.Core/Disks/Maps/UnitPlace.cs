namespace AzureIaaS.Disks.Maps;

/// <summary>How a unit of a disk (a block, a grain, a cluster) is stored.</summary>
internal enum UnitKind
{
    /// <summary>Not allocated; it reads as what lies below, or as zeros.</summary>
    Hole,

    /// <summary>Zeros, because the table says so.</summary>
    Zero,

    /// <summary>As it is, at an offset of the file.</summary>
    Data,

    /// <summary>Compressed, at an offset of the file.</summary>
    Packed,

    /// <summary>As it is, at an offset of the file, in part; a second account says which parts are there.</summary>
    Mixed,
}

/// <summary>Where one unit of a disk lies.</summary>
/// <param name="Kind">How it is stored.</param>
/// <param name="Offset">Where in the file, in bytes; for data, packed and mixed units.</param>
/// <param name="PackedLength">How many bytes it takes there at most, as far as the table tells; for packed units.</param>
internal readonly record struct UnitPlace(UnitKind Kind, long Offset = 0, int PackedLength = 0)
{
    /// <summary>Nothing is allocated.</summary>
    public static readonly UnitPlace Hole = new(UnitKind.Hole);

    /// <summary>Explicit zeros.</summary>
    public static readonly UnitPlace Zero = new(UnitKind.Zero);

    /// <summary>Whether a unit that comes right after this one can be read in the same go.</summary>
    /// <param name="next">The next unit's place.</param>
    /// <param name="distance">How far its first byte lies behind this one's on the disk.</param>
    public bool Continues(in UnitPlace next, long distance) =>
        next.Kind == Kind && Kind != UnitKind.Mixed && (Kind != UnitKind.Data || next.Offset - Offset == distance);
}
