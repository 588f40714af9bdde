using System.Text;
using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests.Registry;

/// <summary>The types of values, as the registry counts them.</summary>
internal enum HiveValueType
{
    /// <summary>REG_SZ.</summary>
    Text = 1,

    /// <summary>REG_EXPAND_SZ.</summary>
    ExpandableText = 2,

    /// <summary>REG_BINARY.</summary>
    Binary = 3,

    /// <summary>REG_DWORD.</summary>
    Number = 4,

    /// <summary>REG_MULTI_SZ.</summary>
    Texts = 7,

    /// <summary>REG_QWORD.</summary>
    LongNumber = 11,
}

/// <summary>A value of a key (a cell <c>vk</c>).</summary>
internal sealed class HiveValue
{
    private const int NameIsLatin = 1;
    private const uint IsInline = 0x8000_0000;
    private const int MaxCell = 20 + (2 * 16383);
    private const int MaxList = (MaxData / SegmentSize * 4) + 8;
    private const int MaxData = 16 << 20;
    private const int SegmentSize = 16344;

    private readonly RegistryHive _hive;
    private readonly byte[] _cell;

    /// <summary>Reads a value.</summary>
    /// <param name="hive">The hive.</param>
    /// <param name="offset">Where it lies in the hive.</param>
    public HiveValue(RegistryHive hive, uint offset)
    {
        _hive = hive;
        _cell = hive.Cell(offset, "vk"u8, MaxCell);
        Name = NameIn(Fields.Slice(_cell, 20, Le.U16(_cell, 2)), (Le.U16(_cell, 16) & NameIsLatin) != 0);
        Type = (HiveValueType)Le.U32(_cell, 12);
    }

    /// <summary>Its name; empty for the key's own value.</summary>
    public string Name { get; }

    /// <summary>Its type.</summary>
    public HiveValueType Type { get; }

    /// <summary>What it holds, as text; null where it is none.</summary>
    public string? Text => Type is HiveValueType.Text or HiveValueType.ExpandableText ? Encoding.Unicode.GetString(Data).Split('\0')[0] : null;

    /// <summary>What it holds, as lines of text, empty ones left out; a single text is one.</summary>
    public IReadOnlyList<string> Texts => Type switch
    {
        HiveValueType.Texts => Encoding.Unicode.GetString(Data).Split('\0', StringSplitOptions.RemoveEmptyEntries),
        HiveValueType.Text or HiveValueType.ExpandableText => Text is { Length: > 0 } text ? [text] : [],
        _ => [],
    };

    /// <summary>What it holds, as a number; null where it is none.</summary>
    public long? Number => (Type, Data.Length) switch
    {
        (HiveValueType.Number, >= 4) => Le.U32(Data, 0),
        (HiveValueType.LongNumber, >= 8) => (long)Le.U64(Data, 0),
        _ => null,
    };

    /// <summary>What it holds.</summary>
    /// <exception cref="FileSystemException">The hive is damaged.</exception>
    public byte[] Data
    {
        get
        {
            var size = Le.U32(_cell, 4);
            if ((size & IsInline) != 0)
                return Fields.Slice(_cell, 8, size & ~IsInline).ToArray() is { Length: <= 4 } inline ? inline : throw Damaged();
            if (size == 0)
                return [];
            if (size > MaxData)
                throw Damaged();
            var cell = _hive.Cell(Le.U32(_cell, 8), [], (int)size);

            // More than fits into one segment lies in several (since version 1.4); in older hives a cell may be as long as it likes.
            return size > SegmentSize && size > cell.Length && cell.AsSpan().StartsWith("db"u8) ? Segments(cell, (int)size) : Fields.Slice(cell, 0, size).ToArray();
        }
    }

    /// <summary>A name as it is written in a hive.</summary>
    /// <param name="bytes">Its bytes.</param>
    /// <param name="isLatin">Whether a byte is a character.</param>
    public static string NameIn(ReadOnlySpan<byte> bytes, bool isLatin) => (isLatin ? Encoding.Latin1 : Encoding.Unicode).GetString(bytes);

    private static FileSystemException Damaged() => new("a registry hive of it has a damaged value");

    private byte[] Segments(byte[] cell, int size)
    {
        var data = new byte[size];
        var count = Le.U16(cell, 2);
        if ((long)count * SegmentSize < size)
            throw Damaged();
        var list = _hive.Cell(Le.U32(cell, 4), [], MaxList);
        for (var i = 0; i * SegmentSize < size; i++)
        {
            var length = Math.Min(SegmentSize, size - (i * SegmentSize));
            Fields.Slice(_hive.Cell(Le.U32(list, i * 4), [], SegmentSize), 0, length).CopyTo(data.AsSpan(i * SegmentSize));
        }

        return data;
    }
}
