using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Disks.Qcow2;

/// <summary>The header extensions (QEMU docs/interop/qcow2.txt, "Header extensions"), as far as they tell a reader something.</summary>
internal sealed class HeaderExtensions
{
    private const uint End = 0;
    private const uint BackingFormatName = 0xE2792ACA;
    private const uint FeatureNameTable = 0x6803F857;
    private const uint ExternalDataFileName = 0x44415441;
    private const uint BitmapsExtension = 0x23852875;
    private const int BitmapsSize = 24;
    private const ulong MaxDirectory = 64 << 20;
    private const int FeatureNameSize = 48;
    private const byte Incompatible = 0;

    private byte[] _featureNames = [];

    /// <summary>The format of the backing file, in QEMU's word; null where it is not said.</summary>
    public string? BackingFormat { get; private set; }

    /// <summary>The file that holds the clusters; null where none is named.</summary>
    public string? DataFile { get; private set; }

    /// <summary>Where the directory of persistent bitmaps is, and its length in bytes; null where there is none.</summary>
    public (long Offset, long Length)? Bitmaps { get; private set; }

    /// <summary>Reads the extensions, up to the first that cannot be.</summary>
    /// <param name="bytes">The bytes behind the header.</param>
    public static HeaderExtensions Parse(ReadOnlySpan<byte> bytes)
    {
        var found = new HeaderExtensions();
        while (bytes.Length >= 8)
        {
            var type = BinaryPrimitives.ReadUInt32BigEndian(bytes);
            var length = BinaryPrimitives.ReadUInt32BigEndian(bytes[4..]);
            bytes = bytes[8..];
            if (type == End || length > bytes.Length)
                break;
            var data = bytes[..(int)length];
            if (type == BackingFormatName)
                found.BackingFormat = Encoding.UTF8.GetString(data);
            else if (type == ExternalDataFileName)
                found.DataFile = Encoding.UTF8.GetString(data);
            else if (type == FeatureNameTable)
                found._featureNames = data.ToArray();
            else if (type == BitmapsExtension && length >= BitmapsSize && BinaryPrimitives.ReadUInt64BigEndian(data[8..]) is <= MaxDirectory and var size && BinaryPrimitives.ReadUInt64BigEndian(data[16..]) is <= long.MaxValue and var offset)
                found.Bitmaps = ((long)offset, (long)size);
            bytes = bytes[(int)Math.Min(bytes.Length, (length + 7L) / 8 * 8)..];
        }

        return found;
    }

    /// <summary>The name that the image itself gives an incompatible feature; null where it gives none.</summary>
    /// <param name="bit">The feature's bit.</param>
    public string? NameOf(int bit)
    {
        for (var table = _featureNames.AsSpan(); table.Length >= FeatureNameSize; table = table[FeatureNameSize..])
        {
            if (table[0] == Incompatible && table[1] == bit)
                return Encoding.Latin1.GetString(table[2..FeatureNameSize]).TrimEnd('\0');
        }

        return null;
    }
}
