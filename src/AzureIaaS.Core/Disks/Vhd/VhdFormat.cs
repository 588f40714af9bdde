using System.Globalization;
using System.Numerics;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vhd;

/// <summary>
/// The Virtual Hard Disk of Virtual PC, Hyper-V and Azure: fixed and dynamic. Its footer is at the end; a dynamic disk has a copy
/// at the start, and one good footer of the two is enough.
/// </summary>
internal sealed class VhdFormat : DiskFormat
{
    private const int SectorSize = 512;

    /// <inheritdoc/>
    public override string Name => "vhd";

    /// <inheritdoc/>
    public override string DisplayName => "VHD";

    /// <inheritdoc/>
    public override IReadOnlyList<string> Extensions => [".vhd", ".avhd", ".vpc"];

    /// <inheritdoc/>
    public override bool IsMine(DiskProbe probe)
    {
        if (probe.HasAt(0, VhdFooter.Cookie))
            return true;
        if (!probe.HasBeforeEnd(VhdFooter.Size, VhdFooter.Cookie) && !probe.HasBeforeEnd(VhdFooter.OldSize, VhdFooter.Cookie))
            return false;

        // What a guest writes to the first sectors of a fixed disk must not make it another format; under another name, what it starts with counts.
        return Extensions.Contains(probe.Extension) || !Known.Any(f => f.CanRead && f is not VhdFormat and not Raw.RawFormat && f.IsMine(probe));
    }

    /// <inheritdoc/>
    protected override DiskImage OpenCore(DiskFile file, DiskOpenOptions options)
    {
        var warnings = new List<string>();
        var (footer, footerAt) = FindFooter(file, warnings);
        if (footer.FileFormatVersion >> 16 != 1)
            throw DiskErrors.UnsupportedFeature(file.Path, footerAt, $"VHD version {footer.FileFormatVersion >> 16}", DiskErrors.ConvertByHyperV(file.Path));
        if (footer.DiskType == VhdDiskType.Differencing)
        {
            throw DiskErrors.UnsupportedFeature(file.Path, footerAt,
                "a differencing VHD, which holds only what differs from its parent,", DiskErrors.ConvertByHyperV(file.Path));
        }
        if (footer.CurrentSize is 0 or > long.MaxValue)
            throw DiskErrors.Corrupt(file.Path, footerAt, $"its footer gives a current size of {footer.CurrentSize:N0} bytes");
        if (footer.SavedState)
            warnings.Add("The machine was saved, not shut down, when it last used this disk: its file systems may need repair.");
        if (footer.CurrentSize % SectorSize != 0)
            warnings.Add($"The disk's size of {footer.CurrentSize:N0} bytes is not a whole number of sectors.");

        var details = DetailsOf(footer);
        BlockMap map;
        switch (footer.DiskType)
        {
            case VhdDiskType.Fixed:
                if ((long)footer.CurrentSize > footerAt)
                    throw DiskErrors.Truncated(file.Path, footerAt, (long)footer.CurrentSize - footerAt, file.Length);
                map = new LinearMap(file, 0, (long)footer.CurrentSize);
                break;
            case VhdDiskType.Dynamic:
                var header = ReadHeader(file, footer);
                details["BlockSize"] = header.BlockSize.ToString(CultureInfo.InvariantCulture);
                map = new VhdBlockMap(file, (long)footer.CurrentSize, (long)footer.DataOffset, header);
                break;
            default:
                throw DiskErrors.Corrupt(file.Path, footerAt, $"its footer gives the disk type {(uint)footer.DiskType}, which does not exist");
        }

        map.Verify();
        return new MappedImage(this, footer.DiskType == VhdDiskType.Fixed ? "fixed" : "dynamic", map, [file], details, warnings);
    }

    private static (VhdFooter Footer, long At) FindFooter(DiskFile file, List<string> warnings)
    {
        if (file.Length < VhdFooter.OldSize)
            throw DiskErrors.Truncated(file.Path, 0, VhdFooter.Size, file.Length);
        var size = FooterAt(file, file.Length - VhdFooter.Size, VhdFooter.Size) is null ? VhdFooter.OldSize : VhdFooter.Size;
        var atEnd = FooterAt(file, file.Length - size, size);

        // A fixed disk has no copy at its start: the guest's own bytes are there, whatever they look like.
        var atStart = atEnd is { DiskType: VhdDiskType.Fixed } ? null : FooterAt(file, 0, VhdFooter.Size);
        if (atEnd is not null)
        {
            if (atStart is null && atEnd.DiskType != VhdDiskType.Fixed)
                warnings.Add("The copy of the footer at the file's start is damaged; the footer at its end was used.");
            return (atEnd, file.Length - size);
        }

        if (atStart is null)
        {
            throw DiskErrors.Corrupt(file.Path, Math.Max(0, file.Length - VhdFooter.Size),
                "the VHD footer at the file's end is missing or its checksum is wrong, and there is no good copy of it at the start");
        }

        if (atStart.DiskType == VhdDiskType.Fixed)
            throw DiskErrors.Truncated(file.Path, file.Length, VhdFooter.Size, file.Length);
        warnings.Add("The footer at the file's end is missing or damaged; its copy at the start was used.");
        return (atStart, 0);
    }

    private static VhdFooter? FooterAt(DiskFile file, long offset, int size) =>
        offset < 0 || offset > file.Length - size ? null : VhdFooter.Parse(file.Read(offset, size));

    private static DynamicDiskHeader ReadHeader(DiskFile file, VhdFooter footer)
    {
        var at = footer.DataOffset > long.MaxValue ? -1 : (long)footer.DataOffset;
        var header = DynamicDiskHeader.Parse(file.Read(at, DynamicDiskHeader.Size))
            ?? throw DiskErrors.Corrupt(file.Path, at, "the dynamic disk header is missing or its checksum is wrong");
        if (header.HeaderVersion >> 16 != 1)
        {
            throw DiskErrors.UnsupportedFeature(file.Path, at,
                $"version {header.HeaderVersion >> 16} of the dynamic disk header", DiskErrors.ConvertByHyperV(file.Path));
        }
        if (header.BlockSize < SectorSize || !BitOperations.IsPow2(header.BlockSize))
            throw DiskErrors.Corrupt(file.Path, at, $"the dynamic disk header gives a block size of {header.BlockSize:N0} bytes");
        var blocks = ((footer.CurrentSize - 1) / header.BlockSize) + 1;
        if (blocks > header.MaxTableEntries)
            throw DiskErrors.Corrupt(file.Path, at, $"the disk has {blocks:N0} blocks and its table has entries for {header.MaxTableEntries:N0}");
        var tableLength = (long)blocks * sizeof(uint);
        if (header.TableOffset > (ulong)file.Length || (long)header.TableOffset > file.Length - tableLength)
            throw DiskErrors.PointsOutside(file.Path, at, (long)header.TableOffset, tableLength, file.Length);
        return header;
    }

    private static Dictionary<string, string> DetailsOf(VhdFooter footer) => new()
    {
        ["Creator"] = footer.CreatorApplication,
        ["CreatorHostOs"] = footer.CreatorHostOs,
        ["UniqueId"] = footer.UniqueId.ToString("D"),
        ["DiskGeometry"] = string.Create(CultureInfo.InvariantCulture,
            $"{footer.DiskGeometry.Cylinders}/{footer.DiskGeometry.Heads}/{footer.DiskGeometry.SectorsPerTrack}"),
    };
}
