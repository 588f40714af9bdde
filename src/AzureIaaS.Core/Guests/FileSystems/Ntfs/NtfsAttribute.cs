using System.Text;

namespace AzureIaaS.Guests.FileSystems.Ntfs;

/// <summary>The types of attributes that are read.</summary>
internal enum AttributeType : uint
{
    /// <summary>$ATTRIBUTE_LIST: where the attributes of a file lie that has too many for one record.</summary>
    AttributeList = 0x20,

    /// <summary>$VOLUME_NAME.</summary>
    VolumeName = 0x60,

    /// <summary>$VOLUME_INFORMATION.</summary>
    VolumeInformation = 0x70,

    /// <summary>$DATA.</summary>
    Data = 0x80,

    /// <summary>$INDEX_ROOT.</summary>
    IndexRoot = 0x90,

    /// <summary>$INDEX_ALLOCATION.</summary>
    IndexAllocation = 0xA0,

    /// <summary>$REPARSE_POINT.</summary>
    ReparsePoint = 0xC0,

    /// <summary>The end of a record.</summary>
    End = 0xFFFF_FFFF,
}

/// <summary>An attribute of a file record, or a piece of one.</summary>
internal sealed class NtfsAttribute
{
    private const int Compressed = 0x00FF;
    private const int Encrypted = 0x4000;

    private readonly byte[] _bytes;

    /// <summary>Reads an attribute.</summary>
    /// <param name="bytes">All of it, header and content.</param>
    public NtfsAttribute(byte[] bytes)
    {
        _bytes = bytes;
        Type = (AttributeType)Le.U32(bytes, 0);
        Id = Le.U16(bytes, 14);
        Name = Encoding.Unicode.GetString(Fields.Slice(bytes, Le.U16(bytes, 10), bytes[9] * 2));
        IsResident = bytes[8] == 0;
        if (!IsResident)
            (StartVcn, LastVcn) = (Le.Place(bytes, 16), (long)Le.U64(bytes, 24));
    }

    /// <summary>What it is.</summary>
    public AttributeType Type { get; }

    /// <summary>Its name; empty for the one that a file has anyway.</summary>
    public string Name { get; }

    /// <summary>Its number within its record.</summary>
    public int Id { get; }

    /// <summary>Whether its content lies in the record.</summary>
    public bool IsResident { get; }

    /// <summary>The first cluster of the attribute that this piece describes.</summary>
    public long StartVcn { get; }

    /// <summary>The last one.</summary>
    public long LastVcn { get; }

    /// <summary>How it is compressed; 0 for not at all, 1 for LZNT1.</summary>
    public int Compression => Le.U16(_bytes, 12) & Compressed;

    /// <summary>Whether it is encrypted (EFS).</summary>
    public bool IsEncrypted => (Le.U16(_bytes, 12) & Encrypted) != 0;

    /// <summary>The content of a resident one.</summary>
    public byte[] Value => Fields.Slice(_bytes, Le.U16(_bytes, 20), Le.U32(_bytes, 16)).ToArray();

    /// <summary>The mapping pairs of one that is not resident.</summary>
    public ReadOnlySpan<byte> MappingPairs => Le.U16(_bytes, 32) is var at && at <= _bytes.Length ? _bytes.AsSpan(at) : throw new FileSystemException("an attribute of it is damaged");

    /// <summary>How many clusters are compressed together, as a power of two.</summary>
    public int CompressionUnit => Le.U16(_bytes, 34);

    /// <summary>The length of its content in bytes, when it is not resident.</summary>
    public long RealSize => Le.Place(_bytes, 48);

    /// <summary>How much of the content was ever written, in bytes; what follows reads as zeros.</summary>
    public long InitializedSize => Le.Place(_bytes, 56);
}
