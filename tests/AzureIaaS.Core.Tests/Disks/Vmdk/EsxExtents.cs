using System.Buffers.Binary;

namespace AzureIaaS.Tests.Disks.Vmdk;

/// <summary>Makes the sparse extents of ESX and ESXi by hand; every third grain that is all zeros is left out.</summary>
internal static class EsxExtents
{
    /// <summary>A COWD: header of four sectors, directory of one, one table, then grains in reverse order.</summary>
    public static byte[] Cowd(byte[] content, int grainSectors)
    {
        const int tableAt = 5 * 512;
        var grains = (content.Length + (grainSectors * 512) - 1) / (grainSectors * 512);
        var file = new MemoryStream();
        var head = new byte[tableAt + (4096 * 4)];
        "COWD"u8.CopyTo(head);
        foreach (var (at, value) in new[] { (4, 1), (8, 3), (12, content.Length / 512), (16, grainSectors), (20, 4), (24, 1), (28, 0), (4 * 512, 5) })
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(at), value);
        file.Write(head);
        for (var grain = grains - 1; grain >= 0; grain--)
        {
            var bytes = Grain(content, grain, grainSectors * 512);
            if (!bytes.ContainsAnyExcept((byte)0))
                continue;
            BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(tableAt + (grain * 4)), (int)(file.Length / 512));
            file.Write(bytes);
            file.Write(new byte[(grainSectors * 512) - bytes.Length]);
        }

        file.Position = 0;
        file.Write(head);
        return file.ToArray();
    }

    /// <summary>A seSparse: constant header, volatile header, directory, one table, then grains in reverse order.</summary>
    public static byte[] SeSparse(byte[] content)
    {
        const int tableAt = 3 * 512;
        const int grainsAt = tableAt + (64 * 512);
        var file = new MemoryStream();
        var head = new byte[grainsAt];
        foreach (var (at, value) in new (int, ulong)[]
        {
            (0, 0xCAFEBABE), (8, 0x200000001), (16, (ulong)content.Length / 512), (24, 8), (32, 64), (80, 1), (88, 1), (128, 2), (136, 1), (144, 3), (152, 64),
            (192, grainsAt / 512), (200, 1024), (512, 0xCAFECAFE), (1024, 0x1000_0000_0000_0000),
        })
            BinaryPrimitives.WriteUInt64LittleEndian(head.AsSpan(at), value);
        file.Write(head);
        ulong next = 0;
        for (var grain = ((content.Length + 4095) / 4096) - 1; grain >= 0; grain--)
        {
            var bytes = Grain(content, grain, 4096);
            var isZero = !bytes.ContainsAnyExcept((byte)0);
            var entry = !isZero ? 0x3000_0000_0000_0000 | ((next & 0xFFF) << 48) | (next >> 12) : grain % 3 == 0 ? 0 : grain % 3 == 1 ? 0x1000_0000_0000_0000 : 0x2000_0000_0000_0000u;
            BinaryPrimitives.WriteUInt64LittleEndian(head.AsSpan(tableAt + (grain * 8)), entry);
            if (isZero)
                continue;
            next++;
            file.Write(bytes);
            file.Write(new byte[4096 - bytes.Length]);
        }

        file.Position = 0;
        file.Write(head);
        return file.ToArray();
    }

    private static ReadOnlySpan<byte> Grain(byte[] content, int grain, int size) => content.AsSpan(grain * size, Math.Min(size, content.Length - (grain * size)));
}
