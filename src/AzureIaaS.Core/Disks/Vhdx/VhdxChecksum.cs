using System.Buffers.Binary;

namespace AzureIaaS.Disks.Vhdx;

/// <summary>The checksum that headers, region tables and log entries have at their fifth byte: CRC-32C with its own field as zero.</summary>
internal static class VhdxChecksum
{
    private const int At = 4;

    /// <summary>Whether a record's checksum is right.</summary>
    /// <param name="record">The whole record.</param>
    public static bool IsRight(ReadOnlySpan<byte> record) => Of(record) == BinaryPrimitives.ReadUInt32LittleEndian(record[At..]);

    /// <summary>Computes a record's checksum.</summary>
    /// <param name="record">The whole record.</param>
    public static uint Of(ReadOnlySpan<byte> record)
    {
        var copy = record.ToArray();
        copy.AsSpan(At, sizeof(uint)).Clear();
        return Crc32.Castagnoli(copy);
    }

    /// <summary>Writes a record's checksum into it.</summary>
    /// <param name="record">The whole record.</param>
    public static void Seal(Span<byte> record) => BinaryPrimitives.WriteUInt32LittleEndian(record[At..], Of(record));
}
