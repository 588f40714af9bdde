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
