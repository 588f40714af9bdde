using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Disks.Qcow2;

/// <summary>The header extensions (QEMU docs/interop/qcow2.txt, "Header extensions"): here, what helps to name a feature that is refused.</summary>
internal static class HeaderExtensions
{
    private const uint End = 0;
    private const uint FeatureNameTable = 0x6803F857;
    private const int FeatureNameSize = 48;
    private const byte Incompatible = 0;

    /// <summary>The name that the image itself gives an incompatible feature; null where it gives none.</summary>
    /// <param name="extensions">The bytes behind the header.</param>
    /// <param name="bit">The feature's bit.</param>
    public static string? NameOf(ReadOnlySpan<byte> extensions, int bit)
    {
        while (extensions.Length >= 8)
        {
            var type = BinaryPrimitives.ReadUInt32BigEndian(extensions);
            var length = BinaryPrimitives.ReadUInt32BigEndian(extensions[4..]);
            extensions = extensions[8..];
            if (type == End || length > extensions.Length)
                return null;
            if (type == FeatureNameTable)
                return NameIn(extensions[..(int)length], bit);
            extensions = extensions[(int)Math.Min(extensions.Length, (length + 7L) / 8 * 8)..];
        }

        return null;
    }

    private static string? NameIn(ReadOnlySpan<byte> table, int bit)
    {
        for (; table.Length >= FeatureNameSize; table = table[FeatureNameSize..])
        {
            if (table[0] == Incompatible && table[1] == bit)
                return Encoding.Latin1.GetString(table[2..FeatureNameSize]).TrimEnd('\0');
        }

        return null;
    }
}
