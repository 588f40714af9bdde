using System.Globalization;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Qcow2;

/// <summary>
/// QEMU's copy-on-write disk, versions 2 and 3: the current state or an internal snapshot, clusters as they are or compressed by zlib or
/// zstd, subclusters, a backing file, an external data file.
/// </summary>
internal sealed class Qcow2Format : DiskFormat
{
    /// <inheritdoc/>
    public override string Name => "qcow2";

    /// <inheritdoc/>
    public override string DisplayName => "QEMU qcow2";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Extensions => [".qcow2"];

    /// <inheritdoc/>
    public override bool IsMine(DiskProbe probe) => probe.HasAt(0, Qcow2Header.Magic) && !probe.HasAt(4, [0, 0, 0, 1]);

    /// <inheritdoc/>
    protected override DiskImage OpenCore(DiskFile file, DiskOpenOptions options)
    {
        var head = file.Read(0, (int)Math.Min(file.Length, 64 << 10));
        if (!head.AsSpan().StartsWith(Qcow2Header.Magic))
            throw DiskErrors.Corrupt(file.Path, 0, "the qcow2 magic number is missing");
        var header = Qcow2Header.Parse(head) ?? throw DiskErrors.Truncated(file.Path, 0, Qcow2Header.V3Size, file.Length);
        if (header.version is not (2 or 3))
            throw DiskErrors.UnsupportedFeature(file.Path, 4, $"version {header.version} of qcow2", DiskErrors.ConvertByQemu(file.Path, "qcow2"));
        var extensions = HeaderExtensions.Parse(head.AsSpan((int)Math.Min(header.header_length, (uint)head.Length)));
        Qcow2Checks.Features(file, header, extensions, options.SkipTables);
        Qcow2Checks.Numbers(file, header);
        var snapshots = Qcow2Snapshot.ReadAll(file, header);
        var state = StateOf(file, header, snapshots, options.Snapshot);

        var warnings = new List<string>();
        var files = new List<DiskFile> { file };
        DiskImage? parent = null;
        try
        {
            if ((header.incompatible_features & Qcow2Header.ExternalDataFile) != 0)
                files.Add(OpenDataFile(file, extensions, options));
            parent = QemuBacking.Open(file, header.backing_file_offset, header.backing_file_size, extensions.BackingFormat, options, warnings);
            var map = new Qcow2ClusterMap(file, files[^1], header, state) { Below = parent is null ? null : new Backing(parent) };
            if (!options.SkipTables)
                map.Verify();
            if (options.Snapshot is null && snapshots.Count > 0)
                warnings.Add($"It holds {snapshots.Count} internal snapshots; its current state is read. A snapshot is read where it is named.");
            return new MappedImage(this, header.version == 2 ? "v2" : "v3", map, files, DetailsOf(header, snapshots), warnings, parent: parent)
            {
                FindOtherFaults = cancellation => new Qcow2References(file, header, snapshots, extensions).FindFaults(cancellation),
            };
        }
        catch
        {
            parent?.Dispose();
            foreach (var other in files.Skip(1))
                other.Dispose();
            throw;
        }
    }

    private static DiskFile OpenDataFile(DiskFile file, HeaderExtensions extensions, DiskOpenOptions options) => DiskFile.Open(DiskReference.Resolve(file.Path,
        extensions.DataFile ?? throw DiskErrors.Corrupt(file.Path, 72, "its data is in another file, and it does not say in which"), "external data file", options));

    private static Qcow2State StateOf(DiskFile file, Qcow2Header header, IReadOnlyList<Qcow2Snapshot> snapshots, string? wanted)
    {
        if (wanted is null)
            return new Qcow2State((long)header.l1_table_offset, (long)header.size);
        var snapshot = snapshots.FirstOrDefault(s => s.Id == wanted) ?? snapshots.FirstOrDefault(s => s.Name == wanted)
            ?? throw new DiskImageException(DiskImageFault.MissingReference, file.Path, null, $"it has no snapshot '{wanted}'",
                snapshots.Count == 0 ? "It has none at all." : $"It has: {string.Join(", ", snapshots.Select(s => $"{s.Id} ({s.Name})"))}.");
        var size = snapshot.DiskSize is > 0 and <= long.MaxValue ? snapshot.DiskSize.Value : header.size;
        Qcow2Checks.L1Table(file, header, size, snapshot.L1Size, snapshot.L1TableOffset, (long)header.snapshots_offset);
        return new Qcow2State((long)snapshot.L1TableOffset, (long)size);
    }

    private static Dictionary<string, string> DetailsOf(Qcow2Header header, IReadOnlyList<Qcow2Snapshot> snapshots)
    {
        var details = new Dictionary<string, string>
        {
            ["ClusterSize"] = (1 << (int)header.cluster_bits).ToString(CultureInfo.InvariantCulture),
            ["CompressionType"] = header.compression_type == Qcow2Header.CompressionZstd ? "zstd" : "zlib",
            ["Snapshots"] = snapshots.Count.ToString(CultureInfo.InvariantCulture),
        };
        foreach (var snapshot in snapshots.Take(100))
            details[$"Snapshot {snapshot.Id}"] = $"{snapshot.Name}, {snapshot.Taken.ToString("u", CultureInfo.InvariantCulture)}";
        return details;
    }
}
