using System.Globalization;
using System.Numerics;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vdi;

/// <summary>
/// The disk of VirtualBox: dynamic, fixed and differencing. A differencing one records its parent by UUID alone, so the parent is looked for
/// among the .vdi files beside it and, as VirtualBox keeps snapshots in a folder below the machine's, one folder up.
/// </summary>
internal sealed class VdiFormat : DiskFormat
{
    private const int SectorSize = 512;
    private const uint MaxBlockSize = 256 << 20;
    private const int MaxCandidates = 1000;

    /// <inheritdoc/>
    public override string Name => "vdi";

    /// <inheritdoc/>
    public override string DisplayName => "VirtualBox VDI";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Extensions => [".vdi"];

    /// <inheritdoc/>
    public override bool IsMine(DiskProbe probe) => probe.HasAt(VdiHeader.SignatureAt, VdiHeader.Signature);

    /// <inheritdoc/>
    protected override DiskImage OpenCore(DiskFile file, DiskOpenOptions options)
    {
        if (file.Length < VdiHeader.Size)
            throw DiskErrors.Truncated(file.Path, 0, VdiHeader.Size, file.Length);
        var header = VdiHeader.Parse(file.Read(0, VdiHeader.Size)) ?? throw DiskErrors.Corrupt(file.Path, VdiHeader.SignatureAt, "the VDI signature is missing");
        Check(file, header);
        var parent = header.Type == VdiImageType.Diff ? OpenParent(file, header, options) : null;
        try
        {
            var map = new VdiBlockMap(file, header) { Below = parent is null ? null : new Backing(parent) };
            if (!options.SkipTables)
                map.Verify();
            var variant = header.Type switch { VdiImageType.Fixed => "fixed", VdiImageType.Diff => "differencing", _ => "dynamic" };
            return new MappedImage(this, variant, map, [file], DetailsOf(header), [], parent: parent) { FindOtherFaults = map.FindCountFaults };
        }
        catch
        {
            parent?.Dispose();
            throw;
        }
    }

    private static void Check(DiskFile file, VdiHeader header)
    {
        var remedy = DiskErrors.ConvertByQemu(file.Path, "vdi");
        if (header.Version >> 16 != 1)
            throw DiskErrors.UnsupportedFeature(file.Path, 68, $"version {header.Version >> 16}.{header.Version & 0xFFFF} of VDI", remedy);
        if (header.Type == VdiImageType.Undo)
            throw DiskErrors.UnsupportedFeature(file.Path, 76, "an undo disk of VirtualBox", remedy);
        if (header.Type is < VdiImageType.Normal or > VdiImageType.Diff)
            throw DiskErrors.Corrupt(file.Path, 76, $"its header gives the image type {(uint)header.Type}, which does not exist");
        if (header.SectorSize is not (0 or SectorSize))
            throw DiskErrors.UnsupportedFeature(file.Path, 360, $"a VDI with sectors of {header.SectorSize:N0} bytes", remedy);
        if (header.DiskSize is 0 or > long.MaxValue)
            throw DiskErrors.Corrupt(file.Path, 368, $"its size is {header.DiskSize:N0} bytes, which is no disk");
        if (header.BlockSize is < SectorSize or > MaxBlockSize || !BitOperations.IsPow2(header.BlockSize) || header.BlockExtraSize > MaxBlockSize)
            throw DiskErrors.Corrupt(file.Path, 376, $"its blocks are of {header.BlockSize:N0} bytes with {header.BlockExtraSize:N0} before them, which cannot be");
        var needed = ((header.DiskSize - 1) / header.BlockSize) + 1;
        if (needed > header.Blocks)
            throw DiskErrors.Corrupt(file.Path, 384, $"its block map has {header.Blocks:N0} entries and the disk needs {needed:N0}");
        var length = (long)header.Blocks * sizeof(uint);
        if (header.OffBlocks < VdiHeader.Size || header.OffBlocks > file.Length - length)
            throw DiskErrors.PointsOutside(file.Path, 340, header.OffBlocks, length, file.Length);
    }

    private static DiskImage OpenParent(DiskFile file, VdiHeader header, DiskOpenOptions options)
    {
        var folder = Path.GetDirectoryName(file.Path)!;
        string? outside = null;
        foreach (var place in new[] { folder, Path.GetDirectoryName(folder) }.OfType<string>())
        {
            foreach (var candidate in Candidates(place).Where(c => c != file.Path && IdOf(c)?.UuidCreate == header.UuidLinkage))
            {
                string path;
                try
                {
                    path = DiskReference.Resolve(file.Path, candidate, "parent", options);
                }
                catch (DiskImageException e) when (e.Fault == DiskImageFault.ReferenceOutsideRoot)
                {
                    outside ??= candidate;
                    continue;
                }

                return OpenParent(file, header, path, options);
            }
        }

        throw outside is null
            ? DiskErrors.MissingReference(file.Path, $"the VDI with the UUID {header.UuidLinkage:D}", "parent")
            : DiskErrors.ReferenceOutsideRoot(file.Path, outside, "parent", options.RootFor(file.Path));
    }

    private static DiskImage OpenParent(DiskFile file, VdiHeader header, string path, DiskOpenOptions options)
    {
        if (header.UuidParentModify != Guid.Empty && IdOf(path)?.UuidModify is { } modified && modified != header.UuidParentModify)
            throw DiskParent.IsAnother(file.Path, path, $"it was last written to as {modified:D}, and the parent as {header.UuidParentModify:D}");
        return DiskParent.Open(file.Path, path, "vdi", options);
    }

    private static string[] Candidates(string folder)
    {
        try
        {
            return Directory.EnumerateFiles(folder, "*.vdi").Take(MaxCandidates).ToArray();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    private static VdiHeader? IdOf(string path)
    {
        try
        {
            using var file = DiskFile.Open(path);
            return file.Length < VdiHeader.Size ? null : VdiHeader.Parse(file.Read(0, VdiHeader.Size));
        }
        catch (DiskImageException)
        {
            return null;   // What cannot be read is not the parent.
        }
    }

    private static Dictionary<string, string> DetailsOf(VdiHeader header) => new()
    {
        ["Creator"] = header.Creator,
        ["BlockSize"] = header.BlockSize.ToString(CultureInfo.InvariantCulture),
        ["UuidCreate"] = header.UuidCreate.ToString("D"),
        ["UuidModify"] = header.UuidModify.ToString("D"),
    };
}
