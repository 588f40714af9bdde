using System.Text;
using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests.Registry;

/// <summary>A key of a hive (a cell <c>nk</c>).</summary>
internal sealed class HiveKey
{
    private const int NameIsLatin = 0x20;
    private const int MaxCell = 1024;
    private const int MaxList = 4 + (8 * ushort.MaxValue);
    private const int MaxSubkeys = 1 << 16;
    private const int MaxValues = 1 << 16;

    private readonly RegistryHive _hive;
    private readonly byte[] _cell;

    /// <summary>Reads a key.</summary>
    /// <param name="hive">The hive.</param>
    /// <param name="offset">Where it lies in the hive.</param>
    public HiveKey(RegistryHive hive, uint offset)
    {
        _hive = hive;
        _cell = hive.Cell(offset, "nk"u8, MaxCell);
        Name = HiveValue.NameIn(Fields.Slice(_cell, 76, Le.U16(_cell, 72)), (Le.U16(_cell, 2) & NameIsLatin) != 0);
    }

    /// <summary>Its name.</summary>
    public string Name { get; }

    /// <summary>The keys in it, in the hive's order.</summary>
    /// <exception cref="FileSystemException">The hive is damaged.</exception>
    public IEnumerable<HiveKey> Subkeys()
    {
        var count = Le.U32(_cell, 20);
        if (count == 0)
            return [];
        return count <= MaxSubkeys ? Offsets(Le.U32(_cell, 28)).Take((int)count).Select(o => new HiveKey(_hive, o)) : throw Damaged();
    }

    /// <summary>Its values, in the hive's order.</summary>
    /// <exception cref="FileSystemException">The hive is damaged.</exception>
    public IEnumerable<HiveValue> Values()
    {
        var count = Le.U32(_cell, 36);
        if (count == 0)
            yield break;
        var list = _hive.Cell(Le.U32(_cell, 40), [], MaxValues * 4);
        if (count > MaxValues || count > list.Length / 4)
            throw Damaged();
        for (var i = 0; i < count; i++)
            yield return new HiveValue(_hive, Le.U32(list, i * 4));
    }

    /// <summary>Finds a value; null where it is not there.</summary>
    /// <param name="name">Its name, in any case of letters; empty for the key's own value.</param>
    public HiveValue? Value(string name) => Values().FirstOrDefault(v => v.Name.Equals(name, StringComparison.OrdinalIgnoreCase));

    /// <summary>A value as text; null where it is not there or no text.</summary>
    /// <param name="name">Its name.</param>
    public string? Text(string name) => Value(name)?.Text;

    /// <summary>A value as a number; null where it is not there or no number.</summary>
    /// <param name="name">Its name.</param>
    public long? Number(string name) => Value(name)?.Number;

    /// <summary>A value as lines of text; none where it is not there.</summary>
    /// <param name="name">Its name.</param>
    public IReadOnlyList<string> Texts(string name) => Value(name)?.Texts ?? [];

    private static FileSystemException Damaged() => new("a registry hive of it has a damaged key");

    /// <summary>The keys that a list names: plain (li), with hints or hashes of the names (lf, lh), or by other lists (ri), which are not nested.</summary>
    private IEnumerable<uint> Offsets(uint listAt, bool isNested = false)
    {
        var list = _hive.Cell(listAt, [], MaxList);
        var count = Le.U16(list, 2);
        var (kind, size) = Encoding.Latin1.GetString(list, 0, 2) switch
        {
            "li" => ('l', 4),
            "lf" or "lh" => ('l', 8),
            "ri" when !isNested => ('r', 4),
            _ => throw Damaged(),
        };
        for (var i = 0; i < count; i++)
        {
            var offset = Le.U32(list, 4 + (i * size));
            if (kind == 'l')
            {
                yield return offset;
                continue;
            }

            foreach (var inner in Offsets(offset, isNested: true))
                yield return inner;
        }
    }
}
