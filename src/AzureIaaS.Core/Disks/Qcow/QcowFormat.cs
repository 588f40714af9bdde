using System.Globalization;
using AzureIaaS.Disks.Maps;
using AzureIaaS.Disks.Qcow2;

namespace AzureIaaS.Disks.Qcow;

/// <summary>QEMU's copy-on-write disk of version 1, with clusters as they are or compressed by zlib, and a backing file.</summary>
internal sealed class QcowFormat : DiskFormat
{
    private const int MinBits = 9;
    private const int MaxClusterBits = 16;
    private const int MinL2Bits = 6;
    private const int MaxL2Bits = 13;

    /// <inheritdoc/>
    public override string Name => "qcow";

    /// <inheritdoc/>
    public override string DisplayName => "QEMU qcow version 1";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Extensions => [".qcow"];

    /// <inheritdoc/>
    public override bool IsMine(DiskProbe probe) => probe.HasAt(0, QcowHeader.Magic);

    /// <inheritdoc/>
    protected override DiskImage OpenCore(DiskFile file, DiskOpenOptions options)
    {
        var header = QcowHeader.Parse(file.Read(0, QcowHeader.Size)) ?? throw DiskErrors.Corrupt(file.Path, 0, "the magic number of qcow version 1 is missing");
        if (header.crypt_method != 0)
        {
            throw DiskErrors.UnsupportedFeature(file.Path, 36, "an encrypted qcow",
                "Decrypt it with QEMU's tool and its secret (qemu-img convert --object secret,... --image-opts ...) and import the result.");
        }
        if (header.cluster_bits is < MinBits or > MaxClusterBits || header.l2_bits is < MinL2Bits or > MaxL2Bits)
        {
            throw DiskErrors.Corrupt(file.Path, 32,
                $"its clusters are of 2 to the power of {header.cluster_bits} bytes, its tables of 2 to the power of {header.l2_bits} entries, which cannot be");
        }
        if (header.size is 0 or > long.MaxValue)
            throw DiskErrors.Corrupt(file.Path, 24, $"its size is {header.size:N0} bytes, which is no disk");
        var needed = QcowClusterMap.L1Length(header);
        if (header.l1_table_offset > (ulong)file.Length || (long)header.l1_table_offset > file.Length - needed)
            throw DiskErrors.PointsOutside(file.Path, 40, (long)header.l1_table_offset, needed, file.Length);

        var warnings = new List<string>();
        var parent = QemuBacking.Open(file, header.backing_file_offset, header.backing_file_size, null, options, warnings);
        try
        {
            var map = new QcowClusterMap(file, header) { Below = parent is null ? null : new Backing(parent) };
            if (!options.SkipTables)
                map.Verify();
            var details = new Dictionary<string, string> { ["ClusterSize"] = (1 << header.cluster_bits).ToString(CultureInfo.InvariantCulture) };
            return new MappedImage(this, "v1", map, [file], details, warnings, parent: parent);
        }
        catch
        {
            parent?.Dispose();
            throw;
        }
    }
}
