using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Disks.Vdi;

/// <summary>What kind of disk a VDI is (VirtualBox VDICore.h, VDIIMAGETYPE).</summary>
internal enum VdiImageType : uint
{
    /// <summary>Blocks as they were written.</summary>
    Normal = 1,

    /// <summary>All blocks.</summary>
    Fixed = 2,

    /// <summary>What a guest did that may be undone; no version of VirtualBox that is still around makes it.</summary>
    Undo = 3,

    /// <summary>What differs from a parent.</summary>
    Diff = 4,
}

/// <summary>The preheader and the header of version 1 of a VDI (VirtualBox VDICore.h, VDIPREHEADER and VDIHEADER1), little-endian.</summary>
internal sealed class VdiHeader
{
    /// <summary>How long preheader and header are together, with everything that is looked at.</summary>
    public const int Size = 456;

    /// <summary>Where the signature is.</summary>
    public const int SignatureAt = 64;

    private VdiHeader(ReadOnlySpan<byte> bytes)
    {
        Creator = Encoding.Latin1.GetString(bytes[..SignatureAt]).Split('\n', '\0')[0].Trim('<', '>', ' ');
        Version = U32(bytes, 68);
        HeaderSize = U32(bytes, 72);
        Type = (VdiImageType)U32(bytes, 76);
        OffBlocks = U32(bytes, 340);
        OffData = U32(bytes, 344);
        SectorSize = U32(bytes, 360);
        DiskSize = BinaryPrimitives.ReadUInt64LittleEndian(bytes[368..]);
        BlockSize = U32(bytes, 376);
        BlockExtraSize = U32(bytes, 380);
        Blocks = U32(bytes, 384);
        BlocksAllocated = U32(bytes, 388);
        UuidCreate = new Guid(bytes.Slice(392, 16));
        UuidModify = new Guid(bytes.Slice(408, 16));
        UuidLinkage = new Guid(bytes.Slice(424, 16));
        UuidParentModify = new Guid(bytes.Slice(440, 16));
    }

    /// <summary>The four bytes at <see cref="SignatureAt"/>.</summary>
    public static ReadOnlySpan<byte> Signature => [0x7F, 0x10, 0xDA, 0xBE];

    /// <summary>Who made it, as the text at the start says.</summary>
    public string Creator { get; }

    /// <summary>The version: the major number in the upper half.</summary>
    public uint Version { get; }

    public uint HeaderSize { get; }

    public VdiImageType Type { get; }

    /// <summary>Where the block map is.</summary>
    public uint OffBlocks { get; }

    /// <summary>Where the blocks start.</summary>
    public uint OffData { get; }

    public uint SectorSize { get; }

    /// <summary>The disk's size in bytes.</summary>
    public ulong DiskSize { get; }

    public uint BlockSize { get; }

    /// <summary>How many bytes come before each block's data.</summary>
    public uint BlockExtraSize { get; }

    /// <summary>How many blocks the disk has.</summary>
    public uint Blocks { get; }

    public uint BlocksAllocated { get; }

    /// <summary>The disk's identity.</summary>
    public Guid UuidCreate { get; }

    /// <summary>Its content's identity, changed when it is written to.</summary>
    public Guid UuidModify { get; }

    /// <summary>The parent's <see cref="UuidCreate"/>.</summary>
    public Guid UuidLinkage { get; }

    /// <summary>The parent's <see cref="UuidModify"/> when this disk was made over it.</summary>
    public Guid UuidParentModify { get; }

    /// <summary>Reads the header; null if it is none. It has no checksum.</summary>
    /// <param name="bytes">The file's first bytes, <see cref="Size"/> of them.</param>
    public static VdiHeader? Parse(ReadOnlySpan<byte> bytes) =>
        bytes.Length >= Size && bytes[SignatureAt..].StartsWith(Signature) ? new VdiHeader(bytes) : null;

    /// <summary>Makes preheader and header of a dynamic disk.</summary>
    /// <param name="size">The disk's size in bytes.</param>
    /// <param name="blockSize">The size of a block in bytes.</param>
    /// <param name="offBlocks">Where the block map is.</param>
    /// <param name="offData">Where the blocks start.</param>
    /// <param name="allocated">How many blocks there are in the file.</param>
    /// <param name="id">The disk's identity.</param>
    public static byte[] Make(long size, uint blockSize, uint offBlocks, uint offData, uint allocated, Guid id)
    {
        var bytes = new byte[512];
        "<<< AzureIaaS Virtual Disk Image >>>\n"u8.CopyTo(bytes);
        Signature.CopyTo(bytes.AsSpan(SignatureAt));
        foreach (var (at, value) in new (int, uint)[]
        {
            (68, 0x10001), (72, 400), (76, (uint)VdiImageType.Normal), (340, offBlocks), (344, offData), (360, 512), (376, blockSize),
            (384, (uint)((size + blockSize - 1) / blockSize)), (388, allocated),
        })
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(at), value);
        BinaryPrimitives.WriteInt64LittleEndian(bytes.AsSpan(368), size);
        id.TryWriteBytes(bytes.AsSpan(392));
        Guid.NewGuid().TryWriteBytes(bytes.AsSpan(408));
        return bytes;
    }

    private static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
}
