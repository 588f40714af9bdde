using System.Numerics;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Qcow2;

/// <summary>What must hold of a qcow2's header before anything is read by it.</summary>
internal static class Qcow2Checks
{
    private const int MinClusterBits = 9;
    private const int MinExtendedClusterBits = 14;
    private const int MaxClusterBits = 21;
    private const ulong Read = Qcow2Header.ExternalDataFile | Qcow2Header.CompressionType | Qcow2Header.ExtendedL2;

    /// <summary>Refuses what is encrypted, in doubt, or not known.</summary>
    /// <param name="file">The image's file.</param>
    /// <param name="header">Its header.</param>
    /// <param name="extensions">What is behind that.</param>
    /// <param name="isCheck">Whether it is opened to say what is wrong with it: what is in doubt is then no reason not to.</param>
    public static void Features(DiskFile file, Qcow2Header header, HeaderExtensions extensions, bool isCheck)
    {
        var convert = DiskErrors.ConvertByQemu(file.Path, "qcow2");
        var features = header.incompatible_features & ~(isCheck ? Qcow2Header.Dirty | Qcow2Header.Corrupt : 0);
        if (header.crypt_method != 0)
        {
            throw DiskErrors.UnsupportedFeature(file.Path, 32,
                "an encrypted qcow2",
                "Decrypt it with QEMU's tool and its secret (qemu-img convert --object secret,... --image-opts ...) and import the result.");
        }
        if ((features & Qcow2Header.Corrupt) != 0)
            throw DiskErrors.UnsupportedFeature(file.Path, 72, "a qcow2 that QEMU has marked as corrupt", Repair(file));
        if ((features & Qcow2Header.Dirty) != 0)
            throw DiskErrors.UnsupportedFeature(file.Path, 72, "a qcow2 that was not closed properly (marked dirty)", Repair(file));
        if (header.compression_type > Qcow2Header.CompressionZstd)
            throw DiskErrors.UnsupportedFeature(file.Path, 104, $"a qcow2 with compression type {header.compression_type}", convert);
        if (header.compression_type == Qcow2Header.CompressionZstd && !Zstd.IsAvailable)
        {
            throw DiskErrors.UnsupportedFeature(file.Path, 104, "a qcow2 compressed by zstd, on a computer without the library libzstd,",
                "Install libzstd (Debian and Ubuntu: apt install libzstd1; Fedora: dnf install libzstd; macOS: brew install zstd), or convert it elsewhere. " + convert);
        }
        if ((features & ~Read) is not 0 and var unknown)
        {
            var bit = BitOperations.TrailingZeroCount(unknown);
            var name = extensions.NameOf(bit);
            throw DiskErrors.UnsupportedFeature(file.Path, 72, $"the qcow2 feature {(name is null ? $"of bit {bit}" : $"'{name}'")}", convert);
        }
    }

    /// <summary>Refuses numbers that cannot be.</summary>
    /// <param name="file">The image's file.</param>
    /// <param name="header">Its header.</param>
    public static void Numbers(DiskFile file, Qcow2Header header)
    {
        if (header.cluster_bits is < MinClusterBits or > MaxClusterBits || (header.HasExtendedL2 && header.cluster_bits < MinExtendedClusterBits))
            throw DiskErrors.Corrupt(file.Path, 20, $"its clusters are of 2 to the power of {header.cluster_bits} bytes, which cannot be");
        var clusterSize = 1u << (int)header.cluster_bits;
        if (header.version >= 3 && (header.header_length < Qcow2Header.V3Size || header.header_length > clusterSize || header.header_length % 8 != 0))
            throw DiskErrors.Corrupt(file.Path, 100, $"its header is said to be {header.header_length:N0} bytes long, which cannot be");
        if (header.size is 0 or > long.MaxValue)
            throw DiskErrors.Corrupt(file.Path, 24, $"its size is {header.size:N0} bytes, which is no disk");
        L1Table(file, header, header.size, header.l1_size, header.l1_table_offset, 36);
    }

    /// <summary>Refuses an L1 table that cannot be. This bounds the disk's size, too: the table has to be in the file.</summary>
    /// <param name="file">The image's file.</param>
    /// <param name="header">Its header.</param>
    /// <param name="size">The disk's size in bytes.</param>
    /// <param name="entries">How many entries the table has.</param>
    /// <param name="offset">Where it is.</param>
    /// <param name="saidAt">Where the file says so.</param>
    public static void L1Table(DiskFile file, Qcow2Header header, ulong size, uint entries, ulong offset, long saidAt)
    {
        var needed = Qcow2ClusterMap.L1Length(header, size);
        if (needed / sizeof(ulong) > entries)
            throw DiskErrors.Corrupt(file.Path, saidAt, $"its L1 table has {entries:N0} entries and the disk needs {needed / sizeof(ulong):N0}");
        if (offset == 0 || offset % (1u << (int)header.cluster_bits) != 0)
            throw DiskErrors.Corrupt(file.Path, saidAt, $"its L1 table is said to be at byte {offset}, where none can be");
        if (offset > (ulong)file.Length || (long)offset > file.Length - needed)
            throw DiskErrors.PointsOutside(file.Path, saidAt, (long)offset, needed, file.Length);
    }

    private static string Repair(DiskFile file) =>
        "On a copy of it, let QEMU's tool check and repair it, then import that: qemu-img check -r all COPY" + Path.GetExtension(file.Path);
}
