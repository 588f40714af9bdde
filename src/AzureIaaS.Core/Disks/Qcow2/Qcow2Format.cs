using System.Globalization;
using System.Numerics;
using System.Text;

namespace AzureIaaS.Disks.Qcow2;

/// <summary>QEMU's copy-on-write disk, versions 2 and 3: the active state, with clusters as they are or compressed by zlib.</summary>
internal sealed class Qcow2Format : DiskFormat
{
    private const int MinClusterBits = 9;
    private const int MaxClusterBits = 21;
    private const ulong Dirty = 1 << 0;
    private const ulong Corrupt = 1 << 1;
    private const ulong ExternalDataFile = 1 << 2;
    private const ulong CompressionType = 1 << 3;
    private const ulong ExtendedL2 = 1 << 4;

    /// <inheritdoc/>
    public override string Name => "qcow2";

    /// <inheritdoc/>
    public override string DisplayName => "QEMU qcow2";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Extensions => [".qcow2", ".qcow"];

    /// <inheritdoc/>
    public override bool IsMine(DiskProbe probe) => probe.HasAt(0, Qcow2Header.Magic) && !probe.HasAt(4, [0, 0, 0, 1]);

    /// <inheritdoc/>
    protected override DiskImage OpenCore(DiskFile file, DiskOpenOptions options)
    {
        var head = file.Read(0, (int)Math.Min(file.Length, 4 << 10));
        if (!head.AsSpan().StartsWith(Qcow2Header.Magic))
            throw DiskErrors.Corrupt(file.Path, 0, "the qcow2 magic number is missing");
        var header = Qcow2Header.Parse(head) ?? throw DiskErrors.Truncated(file.Path, 0, Qcow2Header.V3Size, file.Length);
        if (header.version is not (2 or 3))
            throw DiskErrors.UnsupportedFeature(file.Path, 4, $"version {header.version} of qcow2", DiskErrors.ConvertByQemu(file.Path, "qcow2"));
        CheckFeatures(file, header, head);
        CheckNumbers(file, header);

        var map = new Qcow2ClusterMap(file, header);
        map.Verify();
        return new MappedImage(this, header.version == 2 ? "v2" : "v3", map, [file], DetailsOf(header), WarningsOf(header));
    }

    private static void CheckFeatures(DiskFile file, Qcow2Header header, byte[] head)
    {
        var convert = DiskErrors.ConvertByQemu(file.Path, "qcow2");
        var features = header.incompatible_features;
        if (header.backing_file_offset != 0)
        {
            throw DiskErrors.UnsupportedFeature(file.Path, 8,
                $"a qcow2 that holds only what differs from its backing file{BackingFileName(file, header)},",
                "If you trust it to name only files that you may disclose, make one whole disk of both and import that. " + convert);
        }

        if (header.crypt_method != 0)
        {
            throw DiskErrors.UnsupportedFeature(file.Path, 32,
                "an encrypted qcow2",
                "Decrypt it with QEMU's tool and its secret (qemu-img convert --object secret,... --image-opts ...) and import the result.");
        }
        if ((features & ExternalDataFile) != 0)
            throw DiskErrors.UnsupportedFeature(file.Path, 72, "a qcow2 whose data is in another file (external data file)", convert);
        if ((features & Corrupt) != 0)
            throw DiskErrors.UnsupportedFeature(file.Path, 72, "a qcow2 that QEMU has marked as corrupt", Repair(file));
        if ((features & Dirty) != 0)
            throw DiskErrors.UnsupportedFeature(file.Path, 72, "a qcow2 that was not closed properly (marked dirty)", Repair(file));
        if (header.compression_type != 0 || (features & CompressionType) != 0)
        {
            var type = header.compression_type == 1 ? "a qcow2 compressed by zstd" : $"a qcow2 with compression type {header.compression_type}";
            throw DiskErrors.UnsupportedFeature(file.Path, 104, type, convert);
        }

        if ((features & ExtendedL2) != 0)
            throw DiskErrors.UnsupportedFeature(file.Path, 72, "a qcow2 with extended L2 entries (subclusters)", convert);
        if (features != 0)
        {
            var bit = BitOperations.TrailingZeroCount(features);
            var name = HeaderExtensions.NameOf(head.AsSpan((int)Math.Min(header.header_length, (uint)head.Length)), bit);
            throw DiskErrors.UnsupportedFeature(file.Path, 72, $"the qcow2 feature {(name is null ? $"of bit {bit}" : $"'{name}'")}", convert);
        }
    }

    private static string Repair(DiskFile file) =>
        "On a copy of it, let QEMU's tool check and repair it, then import that: qemu-img check -r all COPY" + Path.GetExtension(file.Path);

    private static string BackingFileName(DiskFile file, Qcow2Header header)
    {
        if (header.backing_file_size is 0 or > 1023 || header.backing_file_offset > (ulong)(file.Length - header.backing_file_size))
            return "";
        var name = Encoding.UTF8.GetString(file.Read((long)header.backing_file_offset, (int)header.backing_file_size));
        return $" '{string.Concat(name.Select(c => char.IsControl(c) ? '?' : c))}'";
    }

    private static void CheckNumbers(DiskFile file, Qcow2Header header)
    {
        if (header.cluster_bits is < MinClusterBits or > MaxClusterBits)
            throw DiskErrors.Corrupt(file.Path, 20, $"its clusters are of 2 to the power of {header.cluster_bits} bytes, which cannot be");
        var clusterSize = 1u << (int)header.cluster_bits;
        if (header.version >= 3 && (header.header_length < Qcow2Header.V3Size || header.header_length > clusterSize || header.header_length % 8 != 0))
            throw DiskErrors.Corrupt(file.Path, 100, $"its header is said to be {header.header_length:N0} bytes long, which cannot be");
        if (header.size is 0 or > long.MaxValue)
            throw DiskErrors.Corrupt(file.Path, 24, $"its size is {header.size:N0} bytes, which is no disk");

        // This bounds the size, too: the table has to be in the file.
        var needed = Qcow2ClusterMap.L1Length(header);
        if (needed / sizeof(ulong) > header.l1_size)
            throw DiskErrors.Corrupt(file.Path, 36, $"its L1 table has {header.l1_size:N0} entries and the disk needs {needed / sizeof(ulong):N0}");
        if (header.l1_table_offset == 0 || header.l1_table_offset % clusterSize != 0)
            throw DiskErrors.Corrupt(file.Path, 40, $"its L1 table is said to be at byte {header.l1_table_offset}, where none can be");
        if (header.l1_table_offset > (ulong)file.Length || (long)header.l1_table_offset > file.Length - needed)
            throw DiskErrors.PointsOutside(file.Path, 40, (long)header.l1_table_offset, needed, file.Length);
    }

    private static Dictionary<string, string> DetailsOf(Qcow2Header header) => new()
    {
        ["ClusterSize"] = (1 << (int)header.cluster_bits).ToString(CultureInfo.InvariantCulture),
        ["Snapshots"] = header.nb_snapshots.ToString(CultureInfo.InvariantCulture),
    };

    private static List<string> WarningsOf(Qcow2Header header) => header.nb_snapshots == 0
        ? []
        : [$"It holds {header.nb_snapshots} internal snapshots; its current state is read, and the snapshots are not."];
}
