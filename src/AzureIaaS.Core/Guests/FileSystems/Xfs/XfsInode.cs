namespace AzureIaaS.Guests.FileSystems.Xfs;

/// <summary>How an inode keeps what it holds.</summary>
internal enum ForkFormat
{
    /// <summary>In itself.</summary>
    Local = 1,

    /// <summary>By extents in itself.</summary>
    Extents = 2,

    /// <summary>By a B+tree of extents whose root is in itself.</summary>
    BTree = 3,
}

/// <summary>An inode (xfs_dinode), as far as it is read.</summary>
internal sealed class XfsInode
{
    private const int Version3 = 3;
    private const ulong LargeExtentCounts = 1 << 4;
    private const int RealTime = 1;

    /// <summary>Reads an inode.</summary>
    /// <param name="bytes">All of it.</param>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public XfsInode(byte[] bytes)
    {
        if (Be.U16(bytes, 0) != 0x494E)
            throw new FileSystemException("an inode of it is damaged");
        Mode = Be.U16(bytes, 2);
        Format = (ForkFormat)bytes[5];
        Size = Be.Place(bytes, 56);
        IsRealTime = (Be.U16(bytes, 90) & RealTime) != 0;
        var isVersion3 = bytes[4] >= Version3;
        var start = isVersion3 ? 176 : 100;
        var length = bytes[82] == 0 ? bytes.Length - start : bytes[82] * 8;
        Fork = Fields.Slice(bytes, start, length).ToArray();
        Extents = isVersion3 && (Be.U64(bytes, 120) & LargeExtentCounts) != 0 ? Be.U64(bytes, 24) : Be.U32(bytes, 76);
    }

    /// <summary>Its kind and rights.</summary>
    public int Mode { get; }

    /// <summary>How it keeps what it holds.</summary>
    public ForkFormat Format { get; }

    /// <summary>The length of what it holds, in bytes.</summary>
    public long Size { get; }

    /// <summary>Whether what it holds lies on the real-time device.</summary>
    public bool IsRealTime { get; }

    /// <summary>How many extents it has.</summary>
    public ulong Extents { get; }

    /// <summary>Its data fork: what it holds, extents or a tree's root.</summary>
    public byte[] Fork { get; }
}
