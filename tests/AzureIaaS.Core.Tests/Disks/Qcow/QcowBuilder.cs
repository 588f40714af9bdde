using System.Buffers.Binary;
using System.IO.Compression;
using AzureIaaS.Disks.Qcow;
using AzureIaaS.Tests.Disks.Qcow2;

namespace AzureIaaS.Tests.Disks.Qcow;

/// <summary>Makes a qcow of version 1 by hand: header, one L1 entry, one L2 table of 512 entries, clusters of 4 KiB.</summary>
internal static class QcowBuilder
{
    public static byte[] Build(byte[] content, Func<int, ClusterKind> kindOf)
    {
        var file = new MemoryStream();
        var head = new byte[512 + 4096];
        QcowHeader.Magic.CopyTo(head);
        BinaryPrimitives.WriteInt64BigEndian(head.AsSpan(24), content.Length);
        head[32] = 12;
        head[33] = 9;
        BinaryPrimitives.WriteInt64BigEndian(head.AsSpan(40), 48);
        BinaryPrimitives.WriteInt64BigEndian(head.AsSpan(48), 512);
        file.Write(head);
        for (var c = 0; c << 12 < content.Length; c++)
            BinaryPrimitives.WriteUInt64BigEndian(head.AsSpan(512 + (c * 8)), Put(file, content.AsSpan(c << 12, Math.Min(4096, content.Length - (c << 12))), kindOf(c)));
        file.Position = 0;
        file.Write(head);
        return file.ToArray();
    }

    private static ulong Put(MemoryStream file, ReadOnlySpan<byte> bytes, ClusterKind kind)
    {
        if (kind == ClusterKind.Hole)
            return 0;
        if (kind == ClusterKind.Compressed)
        {
            var packed = new MemoryStream();
            using (var deflate = new DeflateStream(packed, CompressionLevel.Fastest, leaveOpen: true))
                deflate.Write(bytes);
            if (packed.Length < 4096)
            {
                var at = (ulong)file.Length;
                file.Write(packed.ToArray());
                return (1UL << 63) | ((ulong)packed.Length << 51) | at;
            }
        }

        file.SetLength((file.Length + 4095) / 4096 * 4096);
        file.Position = file.Length;
        file.Write(bytes);
        return (ulong)(file.Position - bytes.Length);
    }
}
