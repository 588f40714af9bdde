using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Disks.Qcow2;

/// <summary>
/// Makes empty overlays: version 3 images without a cluster of data, which read as what they are laid over (QEMU docs/interop/qcow2.txt). Five
/// clusters or a few more, whatever the disk's size.
/// </summary>
public static class Qcow2Overlay
{
    private const int ClusterBits = 16;
    private const int ClusterSize = 1 << ClusterBits;
    private const int HeaderLength = 112;
    private const uint BackingFormatExtension = 0xE2792ACA;
    private const int RefcountsPerBlock = ClusterSize / 2;

    /// <summary>Makes an overlay.</summary>
    /// <param name="path">The file to make; it must not be there.</param>
    /// <param name="length">The size of the virtual disk in bytes.</param>
    /// <param name="backingFile">The file that it is laid over, as other programs will look for it.</param>
    /// <param name="backingFormat">The format of that file: <c>raw</c> or <c>qcow2</c>.</param>
    /// <exception cref="IOException">The file is there, or cannot be written.</exception>
    public static void Create(string path, long length, string backingFile, string backingFormat)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(length);
        var l1Entries = (length + (ClusterSize * (ClusterSize / 8L)) - 1) / (ClusterSize * (ClusterSize / 8L));
        var l1Clusters = ((l1Entries * 8) + ClusterSize - 1) / ClusterSize;
        var clusters = 3 + l1Clusters;   // header, refcount table, refcount block, L1 table
        if (clusters > RefcountsPerBlock)
            throw new ArgumentOutOfRangeException(nameof(length), length, "A disk of this size needs more than one refcount block.");
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using var file = new FileStream(path, options);
        file.Write(Header(length, (uint)l1Entries, Encoding.UTF8.GetBytes(backingFile), Encoding.ASCII.GetBytes(backingFormat)));
        file.Write(RefcountTable());
        file.Write(RefcountBlock((int)clusters));
        file.SetLength(clusters * ClusterSize);
        file.Flush(flushToDisk: true);
    }

    private static byte[] Header(long length, uint l1Entries, byte[] backingFile, byte[] backingFormat)
    {
        var cluster = new byte[ClusterSize];
        var header = cluster.AsSpan();
        Qcow2Header.Magic.CopyTo(header);
        Put32(header, 4, 3);   // version
        Put32(header, 20, ClusterBits);
        Put64(header, 24, (ulong)length);
        Put32(header, 36, l1Entries);
        Put64(header, 40, 3 * ClusterSize);   // l1_table_offset
        Put64(header, 48, ClusterSize);   // refcount_table_offset
        Put32(header, 56, 1);   // refcount_table_clusters
        Put32(header, 96, 4);   // refcount_order: 16 bits
        Put32(header, 100, HeaderLength);
        var at = HeaderLength;
        Put32(header, at, BackingFormatExtension);
        Put32(header, at + 4, (uint)backingFormat.Length);
        backingFormat.CopyTo(header[(at + 8)..]);
        at += 8 + ((backingFormat.Length + 7) / 8 * 8);
        at += 8;   // the extension that ends the list is all zeros
        Put64(header, 8, (ulong)at);   // backing_file_offset
        Put32(header, 16, (uint)backingFile.Length);
        backingFile.CopyTo(header[at..]);
        return cluster;
    }

    private static byte[] RefcountTable()
    {
        var table = new byte[ClusterSize];
        Put64(table, 0, 2 * ClusterSize);
        return table;
    }

    private static byte[] RefcountBlock(int clusters)
    {
        var block = new byte[ClusterSize];
        for (var i = 0; i < clusters; i++)
            BinaryPrimitives.WriteUInt16BigEndian(block.AsSpan(2 * i), 1);
        return block;
    }

    private static void Put32(Span<byte> bytes, int at, uint value) => BinaryPrimitives.WriteUInt32BigEndian(bytes[at..], value);

    private static void Put64(Span<byte> bytes, int at, ulong value) => BinaryPrimitives.WriteUInt64BigEndian(bytes[at..], value);
}
