using System.Buffers.Binary;
using AzureIaaS.Disks.Vdi;

namespace AzureIaaS.Tests.Disks.Vdi;

/// <summary>Makes VDIs by hand: header, block map, blocks in reverse order.</summary>
internal static class VdiBuilder
{
    public const int MapAt = 512;
    public const uint Free = uint.MaxValue;
    public const uint Zero = uint.MaxValue - 1;

    /// <summary>A disk; blocks for which the function gives null are in the file.</summary>
    public static byte[] Build(byte[] content, int blockSize, VdiImageType type, Func<int, uint?> specialOf, Guid id = default, Guid parent = default)
    {
        var blocks = (content.Length + blockSize - 1) / blockSize;
        var dataAt = MapAt + (((blocks * 4) + 511) / 512 * 512);
        var present = Enumerable.Range(0, blocks).Where(b => specialOf(b) is null).Reverse().ToList();
        var file = new byte[dataAt + (present.Count * blockSize)];
        "<<< Oracle VM VirtualBox Disk Image >>>\n"u8.CopyTo(file);
        VdiHeader.Signature.CopyTo(file.AsSpan(VdiHeader.SignatureAt));
        foreach (var (at, value) in new[]
        {
            (68, 0x10001), (72, 400), (76, (int)type), (340, MapAt), (344, dataAt), (360, 512), (368, content.Length), (376, blockSize),
            (384, blocks), (388, present.Count),
        })
            BinaryPrimitives.WriteInt32LittleEndian(file.AsSpan(at), value);
        id.TryWriteBytes(file.AsSpan(392));
        id.TryWriteBytes(file.AsSpan(408));
        parent.TryWriteBytes(file.AsSpan(424));
        parent.TryWriteBytes(file.AsSpan(440));
        for (var block = 0; block < blocks; block++)
        {
            var place = present.IndexOf(block);
            BinaryPrimitives.WriteUInt32LittleEndian(file.AsSpan(MapAt + (block * 4)), specialOf(block) ?? (uint)place);
            if (place >= 0)
                content.AsSpan(block * blockSize, Math.Min(blockSize, content.Length - (block * blockSize))).CopyTo(file.AsSpan(dataAt + (place * blockSize)));
        }

        return file;
    }
}
