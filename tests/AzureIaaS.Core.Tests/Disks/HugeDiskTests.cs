using System.Buffers.Binary;
using AzureIaaS.Disks;
using AzureIaaS.Disks.Vhdx;
using AzureIaaS.Tests.Disks.Qcow2;
using AzureIaaS.Tests.Disks.Vhdx;
using AzureIaaS.Tests.Disks.Vmdk;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks;

/// <summary>Disks whose tables are larger than what may be held of them. They run alone, since they look at the process's memory.</summary>
[Collection("Alone")]
public sealed class HugeDiskTests : IDisposable
{
    private const long MaxHeld = 48 << 20;

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AVhdxOf64TiB()
    {
        const long Size = 64L << 40;
        const long Bat = (Size >> 20) * 8 + (1 << 20);
        var head = VhdxBuilder.Build(new byte[1 << 20], 1 << 20, 512, _ => PayloadBlockState.NotPresent);
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(VhdxBuilder.ItemsAt + VhdxBuilder.MetadataItemSize), Size);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(RegionTable.FirstAt + 16 + 24), (uint)Bat);
        head[RegionTable.SecondAt] = 0;
        VhdxBuilder.Reseal(head);

        // The last block of the disk, in the last place of the file.
        var lastBlock = (Size >> 20) - 1;
        var data = VhdxBuilder.BatAt + Bat;
        var entryAt = VhdxBuilder.BatAt + ((lastBlock + (lastBlock / 4096)) * 8);
        var path = WriteSparse("disk.vhdx", head, data + (1 << 20), (entryAt, Entry((ulong)data | 6, false)), (data, [42, .. new byte[(1 << 20) - 1]]));
        AssertHolds(path, Size, Size - (1 << 20), 42);
    }

    [Fact]
    public void AVmdkOf1TiBWithAllItsTables()
    {
        const long Size = 1L << 40;
        const int Tables = (int)(Size / (512 << 16));
        var head = new VmdkBuilder { GrainSectors = 128, Capacity = Size / 512 }.Build()[..(512 * 21)];
        BinaryPrimitives.WriteInt64LittleEndian(head.AsSpan(56), 64);
        var directory = new byte[Tables * 4];
        const long FirstTable = (64 * 512) + (Tables * 4);
        for (var i = 0; i < Tables; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(directory.AsSpan(i * 4), (uint)((FirstTable / 512) + (i * 4)));
        var data = FirstTable + (Tables * 2048L);
        var entry = new byte[4];
        BinaryPrimitives.WriteUInt32LittleEndian(entry, (uint)(data / 512));
        var path = WriteSparse("disk.vmdk", head, data + 65536, (64 * 512, directory), (data - 4, entry), (data, [43]));
        AssertHolds(path, Size, Size - 65536, 43);
    }

    [Fact]
    public void AQcow2Of2TiBWithAllItsTables()
    {
        const long Size = 2L << 40;
        const int Tables = (int)(Size >> 29);
        var l1 = new byte[Tables * 8];
        for (var i = 0; i < Tables; i++)
            BinaryPrimitives.WriteUInt64BigEndian(l1.AsSpan(i * 8), (1UL << 63) | (ulong)((2L + i) << 16));
        var data = (2L + Tables) << 16;
        var head = Qcow2Builder.Header(3, 16, Size, Tables, 65536);
        var path = WriteSparse("disk.qcow2", head, data + 65536, (65536, l1), (data - 8, Entry((1UL << 63) | (ulong)data, true)), (data, [44]));
        AssertHolds(path, Size, Size - 65536, 44);
    }

    private static void AssertHolds(string path, long size, long at, byte value)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        using var image = DiskFormat.OpenImage(path);
        Assert.Equal(size, image.Length);
        Assert.Equal([DiskExtentKind.Hole, DiskExtentKind.Data], image.GetExtents().Select(e => e.Kind));
        var held = GC.GetTotalMemory(forceFullCollection: true) - before;
        Assert.True(held < MaxHeld, $"{held:N0} bytes are held");
        var bytes = new byte[2];
        image.Read(at, bytes);
        Assert.Equal([value, 0], bytes);
        image.Read(at - 1, bytes);
        Assert.Equal([0, value], bytes);
    }

    private string WriteSparse(string name, byte[] head, long length, params (long At, byte[] Bytes)[] pieces)
    {
        using var file = new FileStream(_folder[name], FileMode.Create);
        file.SetLength(length);
        foreach (var (at, bytes) in pieces.Prepend((0, head)))
        {
            file.Position = at;
            file.Write(bytes);
        }

        return _folder[name];
    }

    private static byte[] Entry(ulong value, bool isBigEndian)
    {
        var bytes = BitConverter.GetBytes(value);
        if (isBigEndian)
            Array.Reverse(bytes);
        return bytes;
    }
}

/// <summary>Tests that no other may run beside.</summary>
[CollectionDefinition("Alone", DisableParallelization = true)]
public class AloneDefinition;
