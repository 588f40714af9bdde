namespace AzureIaaS.ArmDouble;

/// <summary>CRC-64/NVME byte by byte, as the emulator computes it: written apart from the product's, so that the two can be compared.</summary>
public static class PageChecksum
{
    private static readonly ulong[] Table = [.. Enumerable.Range(0, 256).Select(i => Enumerable.Range(0, 8).Aggregate((ulong)i, (v, _) => (v & 1) == 0 ? v >> 1 : (v >> 1) ^ 0x9A6C9329AC4BC9B5))];

    /// <summary>The checksum as the header x-ms-content-crc64 has it.</summary>
    /// <param name="data">The page.</param>
    public static string Of(ReadOnlySpan<byte> data)
    {
        var crc = ulong.MaxValue;
        foreach (var value in data)
            crc = Table[(byte)crc ^ value] ^ (crc >> 8);
        var bytes = BitConverter.GetBytes(~crc);
        if (!BitConverter.IsLittleEndian)
            Array.Reverse(bytes);
        return Convert.ToBase64String(bytes);
    }
}
