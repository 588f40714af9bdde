using System.Buffers.Binary;
using AzureIaaS.Disks;
using AzureIaaS.Guests;
using AzureIaaS.Imports;

namespace AzureIaaS.Tests.Guests;

public class PartitionTableTests
{
    private const int MiB = 1 << 20;

    [Fact]
    public void AnEmptyDiskHasNone()
    {
        var table = Read(new byte[MiB]);
        Assert.Equal((PartitionScheme.None, 0), (table.Scheme, table.Partitions.Count));
        Assert.False(PartitionTable.LooksLikeOne(new byte[MiB]));
    }

    [Fact]
    public void PrimaryPartitionsOfAnMbr()
    {
        var disk = new byte[8 * MiB];
        Mbr(disk, 0, 0, 0x83, 2048, 2048, active: true);
        Mbr(disk, 0, 1, 0x82, 4096, 1024);
        disk[0] = 0xEB;
        BinaryPrimitives.WriteUInt32LittleEndian(disk.AsSpan(440), 0x1234ABCD);
        var table = Read(disk);
        Assert.Equal(PartitionScheme.Mbr, table.Scheme);
        Assert.Equal(
            [new Partition(1, 2048 * 512, 2048 * 512, "83", null, true) { Id = "1234abcd-01" }, new Partition(2, 4096 * 512, 1024 * 512, "82", null, false) { Id = "1234abcd-02" }],
            table.Partitions);
        Assert.Equal(5120 * 512, table.RequiredLength);
        Assert.Equal(Firmware.Bios, ImageInspection.FirmwareOf(table));
        Assert.True(PartitionTable.LooksLikeOne(disk));
    }

    [Fact]
    public void LogicalPartitionsAreFollowedAndALoopEnds()
    {
        var disk = new byte[8 * MiB];
        Mbr(disk, 0, 0, 0x05, 2048, 8192);
        Mbr(disk, 2048, 0, 0x83, 63, 100);
        Mbr(disk, 2048, 1, 0x05, 1000, 1000);
        Mbr(disk, 3048, 0, 0x83, 63, 200);
        Mbr(disk, 3048, 1, 0x05, 0x10, 1000);   // back to where the chain has been
        var table = Read(disk);
        Assert.Equal([1, 5, 6], table.Partitions.Select(p => p.Number));
        Assert.Equal((3048 + 63) * 512L, table.Partitions[2].Start);
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    public void AGptWithItsNamesAndTypes(int sectorSize)
    {
        var disk = Gpt(sectorSize, (Partition.EfiSystem, 64, 127, "EFI system"), ("0fc63daf-8483-4772-8e79-3d69d8477de4", 128, 1023, "root"));
        var table = Read(disk);
        Assert.Equal((PartitionScheme.Gpt, sectorSize), (table.Scheme, table.SectorSize));
        Assert.Equal(["EFI system", "root"], table.Partitions.Select(p => p.Name!));
        Assert.Equal((64L * sectorSize, 64L * sectorSize), (table.Partitions[0].Start, table.Partitions[0].Length));
        Assert.Equal(disk.Length, table.RequiredLength);
        Assert.Equal(Firmware.Uefi, ImageInspection.FirmwareOf(table));
    }

    [Fact]
    public void WhereBothLoadersAreThereBiosIsTaken()
    {
        var disk = Gpt(512, (Partition.EfiSystem, 64, 127, "esp"), (Partition.BiosBoot, 128, 255, "grub"));
        disk[0] = 0xEB;
        Assert.Equal(Firmware.Bios, ImageInspection.FirmwareOf(Read(disk)));
    }

    [Fact]
    public void TheBackupServesWhereThePrimaryHeaderIsDamaged()
    {
        var disk = Gpt(512, (Partition.EfiSystem, 64, 127, "esp"));
        disk[512 + 56] ^= 0xFF;
        Assert.Equal(PartitionScheme.Gpt, Read(disk).Scheme);
    }

    [Fact]
    public void AHeaderThatPromisesAbsurdThingsIsNotBelieved()
    {
        var disk = Gpt(512, (Partition.EfiSystem, 64, 127, "esp"));
        BinaryPrimitives.WriteUInt32LittleEndian(disk.AsSpan(512 + 80), uint.MaxValue);
        Seal(disk, 512);
        disk.AsSpan(disk.Length - 512).Clear();
        Assert.NotEqual(PartitionScheme.Gpt, Read(disk).Scheme);
    }

    [Fact]
    public void AFileSystemsBootSectorIsNotATable()
    {
        var disk = new byte[MiB];
        new Random(3).NextBytes(disk.AsSpan(0, 510));
        disk[446] = 0x77;
        (disk[510], disk[511]) = (0x55, 0xAA);
        Assert.Empty(Read(disk).Partitions);
    }

    [Fact]
    public void AnythingAtAllIsReadWithoutAnException()
    {
        var random = new Random(11);
        for (var i = 0; i < 2000; i++)
        {
            var disk = i % 2 == 0 ? Gpt(512, (Partition.EfiSystem, 64, 127, "esp")) : new byte[64 << 10];
            if (i % 2 != 0)
                Mbr(disk, 0, 0, 0x05, (uint)random.Next(), (uint)random.Next());
            for (var n = random.Next(1, 20); n > 0; n--)
                disk[random.Next(Math.Min(disk.Length, 40 << 10))] = (byte)random.Next(256);
            if (i % 4 == 0)
                Seal(disk, 512);
            Read(disk);
        }
    }

    internal static PartitionTable Read(byte[] disk) => PartitionTable.Read(disk.Length, [512, 4096], (at, buffer) => disk.AsSpan((int)at, buffer.Length).CopyTo(buffer));

    private static void Mbr(byte[] disk, int sector, int entry, byte type, uint start, uint count, bool active = false)
    {
        var record = disk.AsSpan((sector * 512) + 446 + (16 * entry), 16);
        record[0] = active ? (byte)0x80 : (byte)0;
        record[4] = type;
        BinaryPrimitives.WriteUInt32LittleEndian(record[8..], start);
        BinaryPrimitives.WriteUInt32LittleEndian(record[12..], count);
        (disk[(sector * 512) + 510], disk[(sector * 512) + 511]) = (0x55, 0xAA);
    }

    private static byte[] Gpt(int sectorSize, params (string Type, ulong First, ulong Last, string Name)[] partitions)
    {
        var disk = new byte[sectorSize * 2048];
        Mbr(disk, 0, 0, 0xEE, 1, uint.MaxValue);
        var entries = disk.AsSpan(2 * sectorSize, 128 * 128);
        foreach (var (p, i) in partitions.Select((p, i) => (p, i)))
        {
            var entry = entries.Slice(i * 128, 128);
            new Guid(p.Type).TryWriteBytes(entry);
            Guid.NewGuid().TryWriteBytes(entry[16..]);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[32..], p.First);
            BinaryPrimitives.WriteUInt64LittleEndian(entry[40..], p.Last);
            System.Text.Encoding.Unicode.GetBytes(p.Name, entry[56..]);
        }

        Header(disk, sectorSize, own: 1, alternate: 2047);
        Header(disk, sectorSize, own: 2047, alternate: 1);
        return disk;
    }

    private static void Header(byte[] disk, int sectorSize, ulong own, ulong alternate)
    {
        var header = disk.AsSpan((int)own * sectorSize, 92);
        "EFI PART"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header[8..], 0x00010000);
        BinaryPrimitives.WriteUInt32LittleEndian(header[12..], 92);
        BinaryPrimitives.WriteUInt64LittleEndian(header[24..], own);
        BinaryPrimitives.WriteUInt64LittleEndian(header[32..], alternate);
        BinaryPrimitives.WriteUInt64LittleEndian(header[72..], 2);
        BinaryPrimitives.WriteUInt32LittleEndian(header[80..], 128);
        BinaryPrimitives.WriteUInt32LittleEndian(header[84..], 128);
        Seal(disk, (int)own * sectorSize);
    }

    private static void Seal(byte[] disk, int at)
    {
        disk.AsSpan(at + 16, 4).Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(disk.AsSpan(at + 16), Crc32.Ieee(disk.AsSpan(at, 92)));
    }
}
