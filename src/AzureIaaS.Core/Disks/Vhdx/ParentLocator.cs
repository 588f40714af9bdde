using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Disks.Vhdx;

/// <summary>The parent locator (MS-VHDX 2.2.4.2.6): what a differencing disk knows of its parent, as keys and values in UTF-16.</summary>
internal static class ParentLocator
{
    /// <summary>Longer than any real one: eight keys with the longest of paths.</summary>
    public const int MaxSize = 1 << 20;

    /// <summary>The parent's DataWriteGuid, in braces.</summary>
    public const string Linkage = "parent_linkage";

    /// <summary>Another DataWriteGuid that the parent may have, when it was being changed while the child was made.</summary>
    public const string Linkage2 = "parent_linkage2";

    /// <summary>Where the parent is, the most portable way first.</summary>
    public static readonly IReadOnlyList<string> PathKeys = ["relative_path", "volume_path", "absolute_win32_path"];

    private const int HeaderSize = 20;
    private const int EntrySize = 12;

    private static readonly Guid LocatorType = new("B04AEFB7-D19E-4A81-B789-25B8E9445913");

    /// <summary>Reads a locator; null if it is damaged or of another type.</summary>
    /// <param name="bytes">The whole item.</param>
    public static Dictionary<string, string>? Parse(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length < HeaderSize || new Guid(bytes[..16]) != LocatorType)
            return null;
        var count = BinaryPrimitives.ReadUInt16LittleEndian(bytes[18..]);
        if (count > (bytes.Length - HeaderSize) / EntrySize)
            return null;
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < count; i++)
        {
            var entry = bytes.Slice(HeaderSize + (i * EntrySize), EntrySize);
            var key = Text(bytes, BinaryPrimitives.ReadUInt32LittleEndian(entry), BinaryPrimitives.ReadUInt16LittleEndian(entry[8..]));
            var value = Text(bytes, BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]), BinaryPrimitives.ReadUInt16LittleEndian(entry[10..]));
            if (key is null || value is null)
                return null;
            values[key] = value;
        }

        return values;
    }

    private static string? Text(ReadOnlySpan<byte> bytes, uint offset, int length) =>
        offset > bytes.Length || length > bytes.Length - offset ? null : Encoding.Unicode.GetString(bytes.Slice((int)offset, length)).TrimEnd('\0');
}
