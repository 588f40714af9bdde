using AzureIaaS.Disks;

namespace AzureIaaS.Appliances;

/// <summary>A description together with where its files are: in the folder it lies in, or in the archive that it is in.</summary>
public sealed class Appliance
{
    private readonly string? _archive;

    private Appliance(string path, string? archive, MachineDescription description, string root)
    {
        Path = path;
        _archive = archive;
        Description = description;
        Root = root;
    }

    /// <summary>The file that was named.</summary>
    public string Path { get; }

    /// <summary>What it says.</summary>
    public MachineDescription Description { get; }

    /// <summary>The folder that no file of it may leave, unless the user says otherwise.</summary>
    public string Root { get; }

    /// <summary>Opens a description, or an archive with one in it.</summary>
    /// <param name="path">The file.</param>
    /// <param name="system">Which machine of several; null where there is one.</param>
    /// <exception cref="IaaSException">It is damaged, unknown, or describes what cannot be imported.</exception>
    public static Appliance Open(string path, string? system = null)
    {
        path = SourcePath.Full(path);
        byte[] head;
        using (var file = DiskFile.Open(path))
            head = file.Read(0, (int)Math.Min(file.Length, 8 << 10));
        return TarArchive.IsAt(head) ? OpenArchive(path, system) : OpenFile(path, head, system);
    }

    /// <summary>Finds a file that the description names.</summary>
    /// <param name="reference">The name, as the description has it.</param>
    /// <param name="options">Says what it may refer to.</param>
    /// <returns>The path to open it by.</returns>
    /// <exception cref="DiskImageException">It is not there, or lies where it must not.</exception>
    public string Find(string reference, DiskOpenOptions options)
    {
        if (_archive is null && SourcePath.IsRemote(Path))
            return FindRemote(reference);
        if (_archive is null)
            return DiskReference.ResolveAny(Path, Description.Format == "hyperv" ? InExport(reference) : [reference], "disk", options);
        var name = reference.Replace('\\', '/');
        var members = TarArchive.List(_archive);
        if (members.FirstOrDefault(m => m.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } member)
            return MemberPath(_archive, member.Name);
        return members.Any(m => m.Name == ChunkedBytes.NameOf(name, 0)) ? MemberPath(_archive, name) : throw DiskErrors.MissingReference(_archive, reference, "member");
    }

    /// <summary>What a description at an address names is beside it, or below: nothing else of its server, and no other server's.</summary>
    private string FindRemote(string reference)
    {
        var here = new Uri(Path);
        var file = new UriBuilder(new Uri(here, reference.Replace('\\', '/'))) { Query = here.Query, Fragment = "" }.Uri;
        var folder = new Uri(here, ".");
        return file.Scheme == here.Scheme && file.Authority == here.Authority && file.AbsolutePath.StartsWith(folder.AbsolutePath, StringComparison.Ordinal)
            ? file.AbsoluteUri
            : throw DiskErrors.ReferenceOutsideRoot(Path, reference, "disk", folder.GetLeftPart(UriPartial.Path));
    }

    private static string MemberPath(string archive, string name) => SourcePath.IsRemote(archive) ? SourcePath.MemberOf(archive, name) : System.IO.Path.Combine(archive, name);

    /// <summary>A Hyper-V export has its disks in a folder beside that of the configuration, which itself still names where they were.</summary>
    private static IReadOnlyList<string> InExport(string reference)
    {
        var name = reference[(reference.LastIndexOfAny(['/', '\\']) + 1)..];
        return [reference, $"../Virtual Hard Disks/{name}", $"../{name}", $"Virtual Hard Disks/{name}"];
    }

    private static Appliance OpenFile(string path, byte[] head, string? system)
    {
        var extension = System.IO.Path.GetExtension(SourcePath.FileName(path)).ToLowerInvariant();
        var format = DescriptionFormat.Find(extension, head)
            ?? throw DescriptionFormat.NotSupported(path, "it is no description of a machine that is known here",
                "Known are OVF and OVA, VMware .vmx, VirtualBox .vbox, libvirt domain XML and Hyper-V .vmcx and XML; or name the disk image itself.");
        var description = format is OvfFormat ? OvfFormat.ParseSystem(path, ReadWhole(path), system) : format.Parse(path, ReadWhole(path));
        if (format is OvfFormat)
            description = OvfManifest.Add(description, ManifestBeside(path));
        return new Appliance(path, null, description, Imports.ImportRoot.For(path));
    }

    private static Appliance OpenArchive(string path, string? system)
    {
        var members = TarArchive.List(path);
        var descriptor = members.FirstOrDefault(m => m.Name.EndsWith(".ovf", StringComparison.OrdinalIgnoreCase))
            ?? throw DescriptionFormat.Invalid(path, "there is no .ovf file in the archive");
        var description = OvfFormat.ParseSystem(path, ReadWhole(MemberPath(path, descriptor.Name)), system);
        var manifest = members.FirstOrDefault(m => m.Name.Equals(System.IO.Path.ChangeExtension(descriptor.Name, ".mf"), StringComparison.OrdinalIgnoreCase));
        description = OvfManifest.Add(description, manifest is null ? null : DescriptionFormat.TextOf(ReadWhole(MemberPath(path, manifest.Name))));
        return new Appliance(path, path, description, path);
    }

    private static string? ManifestBeside(string path)
    {
        var isRemote = SourcePath.IsRemote(path);
        var manifest = isRemote
            ? new UriBuilder(path) { Path = System.IO.Path.ChangeExtension(new Uri(path).AbsolutePath, ".mf"), Fragment = "" }.Uri.AbsoluteUri
            : System.IO.Path.ChangeExtension(path, ".mf");
        return (isRemote ? RemoteFile.Exists(manifest) : File.Exists(manifest)) ? DescriptionFormat.TextOf(ReadWhole(manifest)) : null;
    }

    private static byte[] ReadWhole(string path)
    {
        using var file = DiskFile.Open(path);
        return file.Length <= DescriptionFormat.MaxLength
            ? file.Read(0, (int)file.Length)
            : throw DescriptionFormat.Invalid(path, $"it has {file.Length:N0} bytes, more than any description of a machine");
    }
}
