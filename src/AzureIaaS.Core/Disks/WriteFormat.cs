using AzureIaaS.Disks.Maps;
using AzureIaaS.Disks.Writing;

namespace AzureIaaS.Disks;

/// <summary>
/// A kind of image that can be made: a format and what of its kinds. What exists is the one list <see cref="Known"/>.
/// </summary>
public sealed class WriteFormat
{
    private const long MiB = 1 << 20;
    private const long GiB = 1L << 30;
    private const long TiB = 1L << 40;

    private readonly Func<OutputFile, long, int, DiskWriter> _create;

    private WriteFormat(
        string name, string displayName, string extension, long maxLength, bool takes4KSectors, Func<OutputFile, long, int, DiskWriter> create, int alignment = 512)
    {
        Name = name;
        DisplayName = displayName;
        Extension = extension;
        MaxLength = maxLength;
        TakesLargeSectors = takes4KSectors;
        Alignment = alignment;
        _create = create;
    }

    /// <summary>Every kind that can be made.</summary>
    public static IReadOnlyList<WriteFormat> Known { get; } =
    [
        new("Raw", "raw disk", ".raw", long.MaxValue, true, (f, l, _) => new RawWriter(f, l)),
        new("VhdFixed", "fixed VHD, aligned to 1 MiB as Azure wants it", ".vhd", 2040 * GiB, false, (f, l, _) => new VhdFixedWriter(f, l), (int)MiB),
        new("VhdDynamic", "dynamic VHD", ".vhd", 2040 * GiB, false, (f, l, _) => new VhdDynamicWriter(f, l), (int)MiB),
        new("VhdxFixed", "fixed VHDX", ".vhdx", 64 * TiB, true, (f, l, s) => new VhdxWriter(f, l, s, isFixed: true), 4096),
        new("VhdxDynamic", "dynamic VHDX", ".vhdx", 64 * TiB, true, (f, l, s) => new VhdxWriter(f, l, s, isFixed: false), 4096),
        new("VmdkSparse", "VMDK monolithicSparse", ".vmdk", 62 * TiB, false, (f, l, _) => new VmdkSparseWriter(f, l)),
        new("VmdkStreamOptimized", "VMDK streamOptimized, as OVA archives have it", ".vmdk", 62 * TiB, false,
            (f, l, _) => new VmdkStreamWriter(f, l)),
        new("Qcow2", "qcow2", ".qcow2", 64 * TiB, true, (f, l, _) => new Qcow2Writer(f, l, Qcow2Packing.None)),
        new("Qcow2Zlib", "qcow2 compressed by zlib", ".qcow2", 64 * TiB, true, (f, l, _) => new Qcow2Writer(f, l, Qcow2Packing.Zlib)),
        new("Qcow2Zstd", "qcow2 compressed by zstd", ".qcow2", 64 * TiB, true, (f, l, _) => new Qcow2Writer(f, l, Qcow2Packing.Zstd)),
        new("Vdi", "dynamic VDI", ".vdi", 2 * TiB, false, (f, l, _) => new VdiWriter(f, l)),
    ];

    /// <summary>The name, as typed: <c>VhdFixed</c>.</summary>
    public string Name { get; }

    /// <summary>What people call it.</summary>
    public string DisplayName { get; }

    /// <summary>The extension such a file has, with its dot.</summary>
    public string Extension { get; }

    /// <summary>The size of the largest disk it can hold, in bytes.</summary>
    public long MaxLength { get; }

    /// <summary>Whether it can hold a disk whose logical sectors are of 4096 bytes.</summary>
    public bool TakesLargeSectors { get; }

    /// <summary>What a disk's size is rounded up to, in bytes.</summary>
    public int Alignment { get; }

    /// <summary>Finds a kind by its name, in any case; <c>Vhdx</c> alone is the dynamic one.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="IaaSException">There is none of that name.</exception>
    public static WriteFormat Named(string name) =>
        Known.FirstOrDefault(f => f.Name.Equals(name.Equals("Vhdx", StringComparison.OrdinalIgnoreCase) ? "VhdxDynamic" : name, StringComparison.OrdinalIgnoreCase))
        ?? throw new IaaSException(ErrorKind.InvalidArgument, "UnknownFormatName", $"There is no kind of disk image called '{name}' that can be made.",
            $"Name one of: {string.Join(", ", Known.Select(f => f.Name))}.", name);

    /// <summary>The length that a disk gets in this format.</summary>
    /// <param name="image">The disk.</param>
    /// <exception cref="IaaSException">The format cannot hold it; the message says why.</exception>
    public long LengthFor(DiskImage image)
    {
        if (image.LogicalSectorSize != 512 && !TakesLargeSectors)
        {
            throw new IaaSException(ErrorKind.NotSupported, "SectorSizeNotSupported",
                $"{image.Path}: the disk has logical sectors of {image.LogicalSectorSize} bytes, and a {DisplayName} can only have 512: its partitions would not be found.",
                "Convert it to VhdxDynamic, VhdxFixed, Raw or Qcow2.", image.Path);
        }
        if (image.Length > MaxLength)
        {
            throw new IaaSException(ErrorKind.NotSupported, "DiskTooLarge",
                $"{image.Path}: the disk has {ByteSize.Format(image.Length)}, and a {DisplayName} can have {ByteSize.Format(MaxLength)} at most.",
                "Convert it to VhdxDynamic or Raw.", image.Path);
        }
        if (Name == "Qcow2Zstd" && !Zstd.IsAvailable)
        {
            throw new IaaSException(ErrorKind.NotSupported, "ZstdMissing", "zstd compression needs the library libzstd, which this computer does not have.",
                "Install libzstd (Debian and Ubuntu: apt install libzstd1; Fedora: dnf install libzstd; macOS: brew install zstd), or convert to Qcow2Zlib.", Name);
        }

        var alignment = Math.Max(Alignment, image.LogicalSectorSize);
        return (image.Length + alignment - 1) / alignment * alignment;
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    internal DiskWriter Create(OutputFile file, long length, int sectorSize) => _create(file, length, sectorSize);
}
