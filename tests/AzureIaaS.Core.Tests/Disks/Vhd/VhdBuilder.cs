using System.Buffers.Binary;
using System.Text;
using AzureIaaS.Disks.Vhd;

namespace AzureIaaS.Tests.Disks.Vhd;

/// <summary>Makes VHDs by hand, right ones to begin with; a test then changes what it is about and seals the checksums again.</summary>
internal static class VhdBuilder
{
    public const int HeaderAt = 512;
    public const int TableAt = 1536;

    public static byte[] Footer(VhdDiskType type, long currentSize)
    {
        var footer = new byte[VhdFooter.Size];
        VhdFooter.Cookie.CopyTo(footer);
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(8), 2);
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(12), 0x10000);
        BinaryPrimitives.WriteUInt64BigEndian(footer.AsSpan(16), type == VhdDiskType.Fixed ? ulong.MaxValue : HeaderAt);
        "win "u8.CopyTo(footer.AsSpan(28));
        "Wi2k"u8.CopyTo(footer.AsSpan(36));
        BinaryPrimitives.WriteInt64BigEndian(footer.AsSpan(40), currentSize);
        BinaryPrimitives.WriteInt64BigEndian(footer.AsSpan(48), currentSize);
        BinaryPrimitives.WriteUInt32BigEndian(footer.AsSpan(60), (uint)type);
        Seal(footer, 64);
        return footer;
    }

    public static byte[] Fixed(byte[] content) => [.. content, .. Footer(VhdDiskType.Fixed, content.Length)];

    /// <summary>A dynamic disk; blocks without a written sector are not allocated, and sectors that are not written hold rubbish in the file.</summary>
    public static byte[] Dynamic(byte[] content, uint blockSize, Func<long, bool> isWritten)
    {
        var blocks = (content.Length + blockSize - 1) / blockSize;
        var table = new byte[(blocks * 4 + 511) / 512 * 512];
        Array.Fill(table, (byte)0xFF);
        var bitmapSize = VhdBlockMap.BitmapSizeOf(blockSize);
        var data = new MemoryStream();
        for (long block = 0; block < blocks; block++)
        {
            var bitmap = new byte[bitmapSize];
            var bytes = new byte[blockSize];
            Array.Fill(bytes, (byte)0xA5);
            for (long sector = 0; sector < blockSize / 512; sector++)
            {
                var at = (block * blockSize) + (sector * 512);
                if (at >= content.Length || !isWritten(at / 512))
                    continue;
                bitmap[sector / 8] |= (byte)(0x80 >> (int)(sector % 8));
                content.AsSpan((int)at, (int)Math.Min(512, content.Length - at)).CopyTo(bytes.AsSpan((int)(sector * 512)));
            }

            if (!bitmap.AsSpan().ContainsAnyExcept((byte)0))
                continue;
            BinaryPrimitives.WriteUInt32BigEndian(table.AsSpan((int)block * 4), (uint)((TableAt + table.Length + data.Length) / 512));
            data.Write(bitmap);
            data.Write(bytes);
        }

        var footer = Footer(VhdDiskType.Dynamic, content.Length);
        return [.. footer, .. Header(blockSize, (uint)blocks), .. table, .. data.ToArray(), .. footer];
    }

    /// <summary>Makes a dynamic disk a differencing one, over a parent of an id at a relative path.</summary>
    public static byte[] Child(byte[] dynamic, Guid parentId, string parentPath, string parentName)
    {
        var path = Encoding.Unicode.GetBytes(parentPath);
        var locator = new byte[512];
        path.CopyTo(locator, 0);
        byte[] file = [.. dynamic.AsSpan()[..^512], .. locator, .. dynamic.AsSpan()[^512..]];
        foreach (var footer in new[] { 0, file.Length - 512 })
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(footer + 60), (uint)VhdDiskType.Differencing);
        parentId.TryWriteBytes(file.AsSpan(HeaderAt + 40), bigEndian: true, out _);
        Encoding.BigEndianUnicode.GetBytes(parentName).CopyTo(file, HeaderAt + 64);
        var entry = file.AsSpan(HeaderAt + 576);
        "W2ru"u8.CopyTo(entry);
        BinaryPrimitives.WriteInt32BigEndian(entry[4..], 1);
        BinaryPrimitives.WriteInt32BigEndian(entry[8..], path.Length);
        BinaryPrimitives.WriteInt64BigEndian(entry[16..], file.Length - 1024);
        Reseal(file);
        return file;
    }

    /// <summary>Gives a dynamic or fixed disk an id.</summary>
    public static byte[] WithId(byte[] file, Guid id)
    {
        id.TryWriteBytes(file.AsSpan(file.Length - 512 + 68), bigEndian: true, out _);
        if (file.AsSpan().StartsWith(VhdFooter.Cookie))
        {
            id.TryWriteBytes(file.AsSpan(68), bigEndian: true, out _);
            Reseal(file);
        }

        Seal(file.AsSpan(file.Length - 512), 64);
        return file;
    }

    public static byte[] Header(uint blockSize, uint entries)
    {
        var header = new byte[DynamicDiskHeader.Size];
        "cxsparse"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(8), ulong.MaxValue);
        BinaryPrimitives.WriteUInt64BigEndian(header.AsSpan(16), TableAt);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(24), 0x10000);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(28), entries);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(32), blockSize);
        Seal(header, 36);
        return header;
    }

    /// <summary>Makes every checksum of a dynamic disk right again.</summary>
    public static void Reseal(Span<byte> file)
    {
        if (file.Length < 2048)
            return;
        Seal(file[..512], 64);
        Seal(file.Slice(HeaderAt, 1024), 36);
        Seal(file[^512..], 64);
    }

    private static void Seal(Span<byte> record, int at) => BinaryPrimitives.WriteUInt32BigEndian(record[at..], VhdFooter.Checksum(record, at));
}
