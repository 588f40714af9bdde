using System.Globalization;
using System.Numerics;
using AzureIaaS.Disks.Maps;

namespace AzureIaaS.Disks.Vhd;

/// <summary>
/// The Virtual Hard Disk of Virtual PC, Hyper-V and Azure: fixed, dynamic and differencing. Its footer is at the end; all but a fixed disk
/// have a copy at the start, and one good footer of the two is enough.
/// </summary>
internal sealed class VhdFormat : DiskFormat
{
    private const int SectorSize = 512;
    private const string WrongChecksum = "The footer's checksum is wrong in both of its copies, which are the same; it was believed all the same.";

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
        var (footer, footerAt) = FindFooter(file, warnings) ?? Twins(file, warnings);
        if (footer.FileFormatVersion >> 16 != 1)
            throw DiskErrors.UnsupportedFeature(file.Path, footerAt, $"VHD version {footer.FileFormatVersion >> 16}", DiskErrors.ConvertByHyperV(file.Path));
        if (footer.CurrentSize is 0 or > long.MaxValue)
            throw DiskErrors.Corrupt(file.Path, footerAt, $"its footer gives a current size of {footer.CurrentSize:N0} bytes");
        if (footer.SavedState)
            warnings.Add("The machine was saved, not shut down, when it last used this disk: its file systems may need repair.");
        if (footer.CurrentSize % SectorSize != 0)
            warnings.Add($"The disk's size of {footer.CurrentSize:N0} bytes is not a whole number of sectors.");

        return footer.DiskType switch
        {
            VhdDiskType.Fixed => OpenFixed(file, footer, footerAt, warnings),
            VhdDiskType.Dynamic or VhdDiskType.Differencing => OpenBlocks(file, footer, options, warnings),
            _ => throw DiskErrors.Corrupt(file.Path, footerAt, $"its footer gives the disk type {(uint)footer.DiskType}, which does not exist"),
        };
    }

    private MappedImage OpenFixed(DiskFile file, VhdFooter footer, long footerAt, List<string> warnings)
    {
        if ((long)footer.CurrentSize > footerAt)
            throw DiskErrors.Truncated(file.Path, footerAt, (long)footer.CurrentSize - footerAt, file.Length);
        return new MappedImage(this, "fixed", new LinearMap(file, 0, (long)footer.CurrentSize), [file], DetailsOf(footer), warnings);
    }

    private MappedImage OpenBlocks(DiskFile file, VhdFooter footer, DiskOpenOptions options, List<string> warnings)
    {
        var header = ReadHeader(file, footer, isChecked: !warnings.Contains(WrongChecksum));
        var details = DetailsOf(footer);
        details["BlockSize"] = header.BlockSize.ToString(CultureInfo.InvariantCulture);
        var parent = footer.DiskType == VhdDiskType.Differencing ? OpenParent(file, header, options) : null;
        try
        {
            var map = new VhdBlockMap(file, (long)footer.CurrentSize, (long)footer.DataOffset, header) { Below = parent is null ? null : new Backing(parent) };
            if (!options.SkipTables)
                map.Verify();
            return new MappedImage(this, parent is null ? "dynamic" : "differencing", map, [file], details, warnings, parent: parent);
        }
        catch
        {
            parent?.Dispose();
            throw;
        }
    }

    /// <summary>Opens the parent by whatever path of it is recorded, and checks that it is the one by its unique id.</summary>
    private static DiskImage OpenParent(DiskFile file, DynamicDiskHeader header, DiskOpenOptions options)
    {
        // Relative paths first: absolute ones are of another computer.
        string[] names = [.. header.ParentLocators.OrderByDescending(l => l.PlatformCode is "W2ru" or "Wi2r").Select(l => l.Read(file)).OfType<string>(), header.ParentUnicodeName];
        var path = DiskReference.ResolveAny(file.Path, [.. names.Where(n => n.Length > 0)], "parent", options);
        var parent = DiskParent.Open(file.Path, path, "vhd", options);
        var id = parent.Details["UniqueId"];
        if (id == header.ParentUniqueId.ToString("D"))
            return parent;
        parent.Dispose();
        throw DiskParent.IsAnother(file.Path, path, $"its unique id is {id}, and the parent's was {header.ParentUniqueId:D}");
    }

    private static (VhdFooter Footer, long At)? FindFooter(DiskFile file, List<string> warnings)
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
            return null;
        if (atStart.DiskType == VhdDiskType.Fixed)
            throw DiskErrors.Truncated(file.Path, file.Length, VhdFooter.Size, file.Length);
        warnings.Add("The footer at the file's end is missing or damaged; its copy at the start was used.");
        return (atStart, 0);
    }

    /// <summary>Two copies that are the same byte by byte, with a wrong checksum, are not damage: some tool patched both and forgot it.</summary>
    private static (VhdFooter Footer, long At) Twins(DiskFile file, List<string> warnings)
    {
        var at = file.Length - VhdFooter.Size;
        if (at >= VhdFooter.Size && file.Read(at, VhdFooter.Size) is var footer && file.Read(0, VhdFooter.Size).AsSpan().SequenceEqual(footer)
            && VhdFooter.ParseUnchecked(footer) is { DiskType: not VhdDiskType.Fixed } found)
        {
            warnings.Add(WrongChecksum);
            return (found, at);
        }

        throw DiskErrors.Corrupt(file.Path, Math.Max(0, at),
            "the VHD footer at the file's end is missing or its checksum is wrong, and there is no good copy of it at the start");
    }

    private static VhdFooter? FooterAt(DiskFile file, long offset, int size) =>
        offset < 0 || offset > file.Length - size ? null : VhdFooter.Parse(file.Read(offset, size));

    private static DynamicDiskHeader ReadHeader(DiskFile file, VhdFooter footer, bool isChecked)
    {
        var at = footer.DataOffset > long.MaxValue ? -1 : (long)footer.DataOffset;
        var header = DynamicDiskHeader.Parse(file.Read(at, DynamicDiskHeader.Size), isChecked)
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
