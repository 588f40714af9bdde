using AzureIaaS.Benchmarks.Measuring;

namespace AzureIaaS.Benchmarks.Images;

/// <summary>An image to copy.</summary>
/// <param name="Name">What it is, for people.</param>
/// <param name="Path">The file.</param>
/// <param name="Format">The format, in qemu-img's words.</param>
/// <param name="Data">How many bytes of the disk hold data.</param>
/// <param name="IsPlain">Whether the file is the disk, byte for byte.</param>
internal sealed record BenchImage(string Name, string Path, string Format, long Data, bool IsPlain);

/// <summary>How an image is made of a raw disk by qemu-img.</summary>
/// <param name="Name">What it is, for people.</param>
/// <param name="Suffix">The end of the file's name.</param>
/// <param name="Format">The format, in qemu-img's words.</param>
/// <param name="Options">More arguments.</param>
internal sealed record ImageKind(string Name, string Suffix, string Format, params string[] Options)
{
    /// <summary>Whether the file is the disk, byte for byte; a fixed VHD only adds a footer.</summary>
    public bool IsPlain => Format is "raw" or "vpc";

    /// <summary>The disk itself.</summary>
    public static ImageKind Raw { get; } = new("raw", ".raw", "raw");

    /// <summary>VMDK as appliances carry it.</summary>
    public static ImageKind StreamOptimized { get; } = new("VMDK streamOptimized", "-stream.vmdk", "vmdk", "-o", "subformat=streamOptimized");

    /// <summary>qcow2 with zlib clusters.</summary>
    public static ImageKind PackedQcow2 { get; } = new("qcow2 zlib", "-zlib.qcow2", "qcow2", "-c");

    /// <summary>qcow2 with zstd clusters.</summary>
    public static ImageKind ZstdQcow2 { get; } = new("qcow2 zstd", "-zstd.qcow2", "qcow2", "-c", "-o", "compression_type=zstd");

    /// <summary>VMDK as a workstation grows it.</summary>
    public static ImageKind SparseVmdk { get; } = new("VMDK monolithicSparse", "-sparse.vmdk", "vmdk", "-o", "subformat=monolithicSparse");

    /// <summary>Every kind that is copied.</summary>
    public static IReadOnlyList<ImageKind> All { get; } =
    [
        Raw,
        new("VHD fixed", "-fixed.vhd", "vpc", "-o", "subformat=fixed,force_size=on"),
        new("VHDX dynamic", ".vhdx", "vhdx", "-o", "subformat=dynamic"),
        new("qcow2", ".qcow2", "qcow2"),
        SparseVmdk,
        StreamOptimized,
        PackedQcow2,
        ZstdQcow2,
    ];
}

/// <summary>The disks that are copied; made when first asked for, and kept for the next run.</summary>
/// <param name="folder">Where they are kept.</param>
/// <param name="isQuick">Whether small ones will do.</param>
internal sealed class Corpus(string folder, bool isQuick)
{
    private const long SystemLength = 40L << 30;

    private readonly long _length = isQuick ? 1L << 30 : 8L << 30;
    private readonly long _data = isQuick ? 150L << 20 : 1200L << 20;

    /// <summary>An image of a disk whose content is invented.</summary>
    /// <param name="kind">The kind of image.</param>
    public Task<BenchImage> SyntheticAsync(ImageKind kind) => SyntheticAsync("synthetic", kind, isThin: false);

    /// <summary>An image of a disk whose content is invented, with a little data everywhere.</summary>
    /// <param name="kind">The kind of image.</param>
    public Task<BenchImage> ThinAsync(ImageKind kind) => SyntheticAsync("thin", kind, isThin: true);

    /// <summary>An image of a disk that is a real file system.</summary>
    /// <param name="kind">The kind of image.</param>
    public Task<BenchImage> FileSystemAsync(ImageKind kind) => ImageAsync("ext4", kind, path => FileSystemDisk.CreateAsync(path, _length, _data));

    /// <summary>An image of a large disk with a system on it.</summary>
    /// <param name="kind">The kind of image.</param>
    public Task<BenchImage> SystemAsync(ImageKind kind) => ImageAsync("system, 40 GiB", kind, path => SystemDisk.CreateAsync(path, SystemLength, _data));

    private Task<BenchImage> SyntheticAsync(string disk, ImageKind kind, bool isThin) => ImageAsync(disk, kind, path =>
    {
        SyntheticDisk.Create(path, _length, _data, isThin);
        return Task.CompletedTask;
    });

    private async Task<BenchImage> ImageAsync(string disk, ImageKind kind, Func<string, Task> create)
    {
        Directory.CreateDirectory(folder);
        var stem = Path.Combine(folder, disk.Split(',')[0] + (isQuick ? "-quick" : ""));
        var raw = stem + ImageKind.Raw.Suffix;
        await OnceAsync(raw, create);
        var image = stem + kind.Suffix;
        await OnceAsync(image, path => WholeProcess.RunAsync(["qemu-img", "convert", "-f", "raw", "-O", kind.Format, .. kind.Options, raw, path]));
        return new BenchImage($"{kind.Name}, {disk}", image, kind.Format, SparseFile.Allocated(raw), kind.IsPlain);
    }

    /// <summary>Made beside and renamed, so that a run that was cut off leaves nothing that looks whole.</summary>
    private static async Task OnceAsync(string path, Func<string, Task> create)
    {
        if (File.Exists(path))
            return;
        Workshop.Say($"making {Path.GetFileName(path)}");
        var temporary = path + ".new";
        File.Delete(temporary);
        await create(temporary);
        File.Move(temporary, path);
    }
}
