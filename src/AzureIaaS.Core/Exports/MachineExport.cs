using System.Security.Cryptography;
using System.Text;
using AzureIaaS.Appliances;
using AzureIaaS.Disks;
using AzureIaaS.Disks.Writing;
using AzureIaaS.Imports;
using AzureIaaS.Providers;

namespace AzureIaaS.Exports;

/// <summary>How a machine is to be exported.</summary>
public sealed record ExportRequest
{
    /// <summary>The name of the format that is an archive with everything.</summary>
    public const string Ova = "Ova";

    /// <summary><see cref="Ova"/>, or the name of a <see cref="WriteFormat"/> for the disks alone.</summary>
    public required string Format { get; init; }

    /// <summary>The file to make, or a folder to make files in.</summary>
    public required string Path { get; init; }

    /// <summary>Whether files that are there may be replaced.</summary>
    public bool Force { get; init; }

    /// <summary>Opens a disk of the machine; the file it is in when left out.</summary>
    public Func<VirtualDisk, DiskImage> Open { get; init; } = MachineExport.OpenFile;

    /// <summary>The names of all formats.</summary>
    public static IReadOnlyList<string> Formats { get; } = [Ova, .. WriteFormat.Known.Select(f => f.Name)];
}

/// <summary>
/// Exports machines: as an OVA, with a description, the disks as streamOptimized VMDKs and a manifest; or their disks alone, in any format that is
/// written. A file has its name only when it is whole.
/// </summary>
public static class MachineExport
{
    private const int MaxMemberName = 100;

    /// <summary>Opens a disk that is in a file.</summary>
    /// <param name="disk">The disk.</param>
    public static DiskImage OpenFile(VirtualDisk disk) =>
        DiskFormat.OpenImage(disk.Path, new DiskOpenOptions { Format = disk.Format, Root = Path.GetDirectoryName(disk.Path) });

    /// <summary>Exports a machine whose disks nobody changes meanwhile.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="request">How.</param>
    /// <param name="time">The clock.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it; the file that was being made is gone.</param>
    /// <returns>The files that were made.</returns>
    /// <exception cref="IaaSException">The format cannot hold it, or a file cannot be made.</exception>
    public static async Task<IReadOnlyList<string>> RunAsync(
        VirtualMachine machine, ExportRequest request, TimeProvider time, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (request.Format.Equals(ExportRequest.Ova, StringComparison.OrdinalIgnoreCase))
            return [await WriteOvaAsync(machine, request, time, notices, cancellation)];
        var format = WriteFormat.Named(request.Format);
        var made = new List<string>();
        foreach (var (disk, path) in machine.Disks.Zip(DiskPaths(machine, request.Path, format)))
        {
            using var image = request.Open(disk);
            var progress = new CopyProgress(notices, $"Writing {Path.GetFileName(path)} ({format.DisplayName})", image.Length);
            await DiskConversion.RunAsync(image, new DiskConversionRequest { Path = path, Format = format, Force = request.Force, IsDurable = true }, progress, cancellation);
            made.Add(path);
        }

        return made;
    }

    private static IEnumerable<string> DiskPaths(VirtualMachine machine, string path, WriteFormat format)
    {
        if (machine.Disks.Count == 1)
            return [Directory.Exists(path) ? Path.Combine(path, machine.Name + format.Extension) : path];
        return Directory.Exists(path)
            ? machine.Disks.Select(d => Path.Combine(path, $"{machine.Name}-{d.Name}{format.Extension}"))
            : throw new IaaSException(ErrorKind.InvalidArgument, "OneFileForMany", $"One file, '{path}', cannot hold the {machine.Disks.Count} disks of {machine.Name}.",
                "Give -Path a folder that is there, or export it as an Ova.", path);
    }

    private static async Task<string> WriteOvaAsync(
        VirtualMachine machine, ExportRequest request, TimeProvider time, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var path = Directory.Exists(request.Path) ? Path.Combine(request.Path, machine.Name + ".ova") : request.Path;
        var names = machine.Disks.Select((_, i) => MemberName(machine, $"-disk{i + 1}.vmdk")).ToList();
        var vmdk = WriteFormat.Named("VmdkStreamOptimized");
        using var file = OutputFile.Create(Path.GetFullPath(path), request.Force, isDurable: true);
        var description = Encoding.UTF8.GetBytes(OvfWriter.Make(machine, names));
        var now = time.GetUtcNow();
        var at = Put(file, 0, MemberName(machine, ".ovf"), description, now);

        // The manifest comes second, and speaks of the disks: its length is known before they are.
        var digests = new List<(string Name, byte[] Digest)> { (MemberName(machine, ".ovf"), SHA256.HashData(description)) };
        var manifestAt = at;
        at += TarHeader.BlockSize + TarHeader.Padded(Manifest([.. digests, .. names.Select(n => (n, new byte[SHA256.HashSizeInBytes]))]).Length);
        foreach (var (disk, name) in machine.Disks.Zip(names))
        {
            using var image = request.Open(disk);
            using var section = file.Section(at + TarHeader.BlockSize, name);
            using var writer = vmdk.Create(section, vmdk.LengthFor(image), image.LogicalSectorSize);
            await DiskConversion.WriteAsync(image, writer, 0, new CopyProgress(notices, $"Writing {name}", image.Length), cancellation);
            file.Write(at, TarHeader.Make(name, section.End, now));
            digests.Add((name, Digest(section, cancellation)));
            at += TarHeader.BlockSize + TarHeader.Padded(section.End);
        }

        Put(file, manifestAt, MemberName(machine, ".mf"), Manifest(digests), now);
        file.SetLength(at + (2 * TarHeader.BlockSize));
        file.Publish();
        return file.Path;
    }

    /// <summary>A name in the archive: the machine's, as far as every reader's archives can have it.</summary>
    private static string MemberName(VirtualMachine machine, string ending)
    {
        var name = string.Concat(machine.Name.Select(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.' ? c : '_'));
        return (name.Length > MaxMemberName - ending.Length ? name[..(MaxMemberName - ending.Length)] : name) + ending;
    }

    private static long Put(OutputFile file, long at, string name, byte[] content, DateTimeOffset now)
    {
        file.Write(at, TarHeader.Make(name, content.Length, now));
        file.Write(at + TarHeader.BlockSize, content);
        return at + TarHeader.BlockSize + TarHeader.Padded(content.Length);
    }

    private static byte[] Manifest(IEnumerable<(string Name, byte[] Digest)> digests) =>
        Encoding.ASCII.GetBytes(string.Concat(digests.Select(d => $"SHA256({d.Name})= {Convert.ToHexString(d.Digest)}\n")));

    private static byte[] Digest(OutputFile section, CancellationToken cancellation)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 20];
        for (long at = 0; at < section.End; at += buffer.Length)
        {
            cancellation.ThrowIfCancellationRequested();
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, section.End - at));
            section.Read(at, part);
            hash.AppendData(part);
        }

        return hash.GetHashAndReset();
    }
}
