namespace AzureIaaS.Guests.FileSystems.Xfs;

/// <summary>What an item of a transaction is about (XFS_LI_*), as far as it matters.</summary>
internal enum XfsLogItemType
{
    /// <summary>An inode.</summary>
    Inode = 0x123B,

    /// <summary>A buffer of metadata.</summary>
    Buffer = 0x123C,

    /// <summary>A change of a file's extents that is to be made.</summary>
    MappingIntent = 0x1244,

    /// <summary>It has been made.</summary>
    MappingDone = 0x1245,

    /// <summary>An exchange of two files' extents that is to be made.</summary>
    ExchangeIntent = 0x1248,

    /// <summary>It has been made.</summary>
    ExchangeDone = 0x1249,
}

/// <summary>An item of a transaction: regions of bytes, of which the first says what the others are. Its numbers are in the byte order of the computer that wrote it.</summary>
/// <param name="total">How many regions it will have.</param>
internal sealed class XfsLogItem(int total)
{
    /// <summary>Its regions.</summary>
    public List<byte[]> Regions { get; } = [];

    /// <summary>Whether all its regions are there.</summary>
    public bool IsWhole => Regions.Count == total;

    /// <summary>What it is about.</summary>
    public XfsLogItemType Type => (XfsLogItemType)Le.U16(Regions[0], 0);

    /// <summary>The number that an intent and what says it was done have in common.</summary>
    public ulong IntentId => Le.U64(Regions[0], 8);
}
