using System.Buffers.Binary;
using System.Text;
using AzureIaaS.Disks.Vhdx;

namespace AzureIaaS.Tests.Disks.Vhdx;

/// <summary>Makes VHDXs by hand: header section, log, metadata and BAT of a mebibyte each, then the blocks.</summary>
internal static class VhdxBuilder
{
    public const int MiB = 1 << 20;
    public const int MetadataAt = 2 * MiB;
    public const int ItemsAt = MetadataAt + (64 << 10);
    public const int BatAt = 3 * MiB;
    public const int DataAt = 4 * MiB;
    public const int MetadataItemSize = 16;

    /// <summary>A disk; a state gives each block's, and those that are present are in the file, in reverse order.</summary>
    public static byte[] Build(byte[] content, uint blockSize, int sectorSize, Func<int, PayloadBlockState> stateOf)
    {
        var blocks = (int)((content.Length + blockSize - 1) / blockSize);
        var present = Enumerable.Range(0, blocks).Where(b => stateOf(b) == PayloadBlockState.FullyPresent).Reverse().ToList();
        var file = new byte[DataAt + (present.Count * blockSize)];
        "vhdxfile"u8.CopyTo(file);
        Encoding.Unicode.GetBytes("a test").CopyTo(file, 8);
        Header(file, VhdxHeader.FirstAt, 5);
        Header(file, VhdxHeader.SecondAt, 6);
        Regions(file, RegionTable.FirstAt);
        Regions(file, RegionTable.SecondAt);
        Metadata(file, blockSize, content.Length, sectorSize);
        var chunkRatio = (1L << 23) * sectorSize / blockSize;
        for (var block = 0; block < blocks; block++)
        {
            var entry = (ulong)stateOf(block);
            if (present.IndexOf(block) is >= 0 and var place)
            {
                var at = DataAt + (place * blockSize);
                entry |= (ulong)at;
                content.AsSpan((int)(block * blockSize), (int)Math.Min(blockSize, content.Length - (block * blockSize))).CopyTo(file.AsSpan((int)at));
            }

            BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(BatAt + (int)((block + (block / chunkRatio)) * 8)), entry);
        }

        return file;
    }

    /// <summary>
    /// Makes a disk of one chunk a differencing one: its blocks that are present become there in part, by a bitmap at the file's end.
    /// </summary>
    public static byte[] Child(byte[] disk, int blocks, int chunkRatio, Guid parentLinkage, string parentPath, Func<long, bool> isPresent)
    {
        byte[] file = [.. disk, .. new byte[MiB]];
        for (long sector = 0; sector < MiB * 8; sector++)
        {
            if (isPresent(sector))
                file[disk.Length + (sector / 8)] |= (byte)(1 << (int)(sector % 8));
        }

        for (var block = 0; block < blocks; block++)
        {
            if ((file[BatAt + (block * 8)] & 7) == (int)PayloadBlockState.FullyPresent)
                file[BatAt + (block * 8)] |= (int)PayloadBlockState.PartiallyPresent;
        }

        BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(BatAt + (chunkRatio * 8)), (ulong)disk.Length | (ulong)PayloadBlockState.FullyPresent);
        file[ItemsAt + 4] |= 2;
        var locator = Locator(("parent_linkage", $"{{{parentLinkage:D}}}"), ("relative_path", parentPath));
        var table = file.AsSpan(MetadataAt);
        var count = BinaryPrimitives.ReadUInt16LittleEndian(table[10..]);
        BinaryPrimitives.WriteUInt16LittleEndian(table[10..], (ushort)(count + 1));
        var entry = table.Slice(32 + (32 * count), 32);
        MetadataTable.ParentLocator.TryWriteBytes(entry);
        BinaryPrimitives.WriteInt32LittleEndian(entry[16..], (64 << 10) + 4096);
        BinaryPrimitives.WriteInt32LittleEndian(entry[20..], locator.Length);
        entry[24] = 4;
        locator.CopyTo(file, ItemsAt + 4096);
        Reseal(file);
        return file;
    }

    /// <summary>Puts a log with one entry into the file, which writes pages of 4 KiB and zeros.</summary>
    public static void Log(byte[] file, Guid guid, ulong sequence, params (long At, byte[]? Page)[] writes)
    {
        var data = writes.Count(w => w.Page is not null);
        var entry = new byte[(1 + data) * 4096];
        "loge"u8.CopyTo(entry);
        BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(8), entry.Length);
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(16), sequence);
        BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(24), writes.Length);
        guid.TryWriteBytes(entry.AsSpan(32));
        BinaryPrimitives.WriteInt64LittleEndian(entry.AsSpan(48), file.Length);
        BinaryPrimitives.WriteInt64LittleEndian(entry.AsSpan(56), file.Length);
        var sector = 1;
        for (var i = 0; i < writes.Length; i++)
        {
            var descriptor = entry.AsSpan(64 + (32 * i), 32);
            BinaryPrimitives.WriteInt64LittleEndian(descriptor[16..], writes[i].At);
            BinaryPrimitives.WriteUInt64LittleEndian(descriptor[24..], sequence);
            if (writes[i].Page is not { } page)
            {
                "zero"u8.CopyTo(descriptor);
                BinaryPrimitives.WriteInt64LittleEndian(descriptor[8..], 4096);
                continue;
            }

            "desc"u8.CopyTo(descriptor);
            page.AsSpan(4092, 4).CopyTo(descriptor[4..]);
            page.AsSpan(0, 8).CopyTo(descriptor[8..]);
            var to = entry.AsSpan(4096 * sector++, 4096);
            page.CopyTo(to);
            "data"u8.CopyTo(to);
            BinaryPrimitives.WriteUInt32LittleEndian(to[4..], (uint)(sequence >> 32));
            BinaryPrimitives.WriteUInt32LittleEndian(to[4092..], (uint)sequence);
        }

        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(4), VhdxChecksum.Of(entry));
        entry.CopyTo(file, MiB);
        foreach (var header in new[] { VhdxHeader.FirstAt, VhdxHeader.SecondAt })
            guid.TryWriteBytes(file.AsSpan(header + 48));
        Reseal(file);
    }

    /// <summary>Gives a disk the identity that children know it by.</summary>
    public static byte[] WithDataWriteGuid(byte[] file, Guid id)
    {
        foreach (var header in new[] { VhdxHeader.FirstAt, VhdxHeader.SecondAt })
            id.TryWriteBytes(file.AsSpan(header + 32));
        Reseal(file);
        return file;
    }

    private static byte[] Locator(params (string Key, string Value)[] entries)
    {
        var text = new MemoryStream();
        var table = new byte[20 + (12 * entries.Length)];
        new Guid("B04AEFB7-D19E-4A81-B789-25B8E9445913").TryWriteBytes(table);
        BinaryPrimitives.WriteInt16LittleEndian(table.AsSpan(18), (short)entries.Length);
        for (var i = 0; i < entries.Length; i++)
        {
            var entry = table.AsSpan(20 + (12 * i));
            var (key, value) = (Encoding.Unicode.GetBytes(entries[i].Key), Encoding.Unicode.GetBytes(entries[i].Value));
            BinaryPrimitives.WriteInt32LittleEndian(entry, table.Length + (int)text.Length);
            text.Write(key);
            BinaryPrimitives.WriteInt32LittleEndian(entry[4..], table.Length + (int)text.Length);
            text.Write(value);
            BinaryPrimitives.WriteInt16LittleEndian(entry[8..], (short)key.Length);
            BinaryPrimitives.WriteInt16LittleEndian(entry[10..], (short)value.Length);
        }

        return [.. table, .. text.ToArray()];
    }

    /// <summary>Makes every checksum right again.</summary>
    public static void Reseal(Span<byte> file)
    {
        foreach (var (at, size) in new[]
        {
            (VhdxHeader.FirstAt, VhdxHeader.Size), (VhdxHeader.SecondAt, VhdxHeader.Size),
            (RegionTable.FirstAt, RegionTable.Size), (RegionTable.SecondAt, RegionTable.Size),
        })
        {
            if (file.Length >= at + size)
                BinaryPrimitives.WriteUInt32LittleEndian(file[(at + 4)..], VhdxChecksum.Of(file.Slice(at, size)));
        }
    }

    private static void Header(byte[] file, int at, ulong sequence)
    {
        var header = file.AsSpan(at, VhdxHeader.Size);
        "head"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt64LittleEndian(header[8..], sequence);
        BinaryPrimitives.WriteUInt16LittleEndian(header[66..], 1);
        BinaryPrimitives.WriteUInt32LittleEndian(header[68..], MiB);
        BinaryPrimitives.WriteUInt64LittleEndian(header[72..], MiB);
        Reseal(file);
    }

    private static void Regions(byte[] file, int at)
    {
        var table = file.AsSpan(at, RegionTable.Size);
        "regi"u8.CopyTo(table);
        BinaryPrimitives.WriteUInt32LittleEndian(table[8..], 2);
        foreach (var (i, guid, place) in new[] { (0, RegionTable.Bat, BatAt), (1, RegionTable.Metadata, MetadataAt) })
        {
            var entry = table.Slice(16 + (32 * i), 32);
            guid.TryWriteBytes(entry);
            BinaryPrimitives.WriteInt64LittleEndian(entry[16..], place);
            BinaryPrimitives.WriteInt32LittleEndian(entry[24..], MiB);
            entry[28] = 1;
        }

        Reseal(file);
    }

    private static void Metadata(byte[] file, uint blockSize, long size, int sectorSize)
    {
        var table = file.AsSpan(MetadataAt);
        "metadata"u8.CopyTo(table);
        (Guid Id, ulong Value, int Length)[] items =
        [
            (MetadataTable.FileParameters, blockSize, 8), (MetadataTable.VirtualDiskSize, (ulong)size, 8), (MetadataTable.VirtualDiskId, 42, 16),
            (MetadataTable.LogicalSectorSize, (ulong)sectorSize, 4), (MetadataTable.PhysicalSectorSize, 4096, 4),
        ];
        BinaryPrimitives.WriteUInt16LittleEndian(table[10..], (ushort)items.Length);
        for (var i = 0; i < items.Length; i++)
        {
            var entry = table.Slice(32 + (32 * i), 32);
            items[i].Id.TryWriteBytes(entry);
            BinaryPrimitives.WriteInt32LittleEndian(entry[16..], ItemsAt - MetadataAt + (MetadataItemSize * i));
            BinaryPrimitives.WriteInt32LittleEndian(entry[20..], items[i].Length);
            entry[24] = 4;
            BinaryPrimitives.WriteUInt64LittleEndian(file.AsSpan(ItemsAt + (MetadataItemSize * i)), items[i].Value);
        }
    }
}
