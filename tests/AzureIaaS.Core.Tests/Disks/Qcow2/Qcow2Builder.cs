using System.Buffers.Binary;
using System.IO.Compression;
using AzureIaaS.Disks.Qcow2;

namespace AzureIaaS.Tests.Disks.Qcow2;

/// <summary>How a cluster is to be stored.</summary>
internal enum ClusterKind
{
    Hole,
    Zero,
    ZeroAllocated,
    Data,
    Compressed,
}

/// <summary>Makes qcow2 images by hand: header, L1 table, one L2 table, clusters. There are no refcounts, which nobody who reads needs.</summary>
internal static class Qcow2Builder
{
    public static byte[] Build(byte[] content, int clusterBits, uint version, Func<int, ClusterKind> kindOf)
    {
        var cluster = 1 << clusterBits;
        var perTable = cluster / 8;
        var clusters = (content.Length + cluster - 1) / cluster;
        var tables = (clusters + perTable - 1) / perTable;
        var l1At = Math.Max(cluster, 512);
        var l1Length = (tables * 8 + cluster - 1) / cluster * cluster;
        var file = new MemoryStream();
        file.SetLength(l1At + l1Length + (tables * cluster));
        var l1 = new byte[l1Length];
        var l2 = new byte[tables * cluster];
        for (var t = 0; t < tables; t++)
            BinaryPrimitives.WriteUInt64BigEndian(l1.AsSpan(t * 8), (1UL << 63) | (uint)(l1At + l1Length + (t * cluster)));
        for (var c = 0; c < clusters; c++)
        {
            var bytes = new byte[cluster];
            content.AsSpan(c * cluster, Math.Min(cluster, content.Length - (c * cluster))).CopyTo(bytes);
            BinaryPrimitives.WriteUInt64BigEndian(l2.AsSpan(c * 8), Put(file, bytes, clusterBits, kindOf(c)));
        }

        file.Position = l1At;
        file.Write(l1);
        file.Write(l2);
        file.Position = 0;
        file.Write(Header(version, clusterBits, content.Length, tables, l1At));
        return file.ToArray();
    }

    public static byte[] Header(uint version, int clusterBits, long size, int l1Size, long l1At)
    {
        var header = new byte[version == 2 ? Qcow2Header.V2Size : Qcow2Header.V3Size + 8];
        Qcow2Header.Magic.CopyTo(header);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4), version);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(20), clusterBits);
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(24), size);
        BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(36), l1Size);
        BinaryPrimitives.WriteInt64BigEndian(header.AsSpan(40), l1At);
        if (version > 2)
        {
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(96), 4);
            BinaryPrimitives.WriteInt32BigEndian(header.AsSpan(100), header.Length);
        }

        return header;
    }

    private static ulong Put(MemoryStream file, byte[] bytes, int clusterBits, ClusterKind kind)
    {
        switch (kind)
        {
            case ClusterKind.Hole:
                return 0;
            case ClusterKind.Zero:
                return 1;
            case ClusterKind.Compressed:
                var packed = new MemoryStream();
                using (var deflate = new DeflateStream(packed, CompressionLevel.Fastest, leaveOpen: true))
                    deflate.Write(bytes);
                if (packed.Length >= bytes.Length)
                    goto default;
                var at = file.Length;
                file.Position = at;
                file.Write(packed.ToArray());
                var additional = ((at + packed.Length - 1) / 512) - (at / 512);
                return (1UL << 62) | ((ulong)additional << (62 - (clusterBits - 8))) | (ulong)at;
            default:
                var start = (file.Length + bytes.Length - 1) / bytes.Length * bytes.Length;
                file.SetLength(start);
                file.Position = start;
                file.Write(kind == ClusterKind.ZeroAllocated ? [.. bytes.Select(b => (byte)~b)] : bytes);
                return (1UL << 63) | (ulong)start | (kind == ClusterKind.ZeroAllocated ? 1u : 0);
        }
    }
}
