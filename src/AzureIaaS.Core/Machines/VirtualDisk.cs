namespace AzureIaaS;

/// <summary>A disk of a machine.</summary>
public sealed class VirtualDisk
{
    /// <summary>Its name within the machine: <c>disk0</c> is the one it boots from.</summary>
    public string Name { get; set; } = "";

    /// <summary>The file that holds it; empty where the provider keeps it elsewhere.</summary>
    public string Path { get; set; } = "";

    /// <summary>The format of that file: <c>raw</c>.</summary>
    public string Format { get; set; } = "raw";

    /// <summary>The size of the virtual disk in bytes.</summary>
    public long Length { get; set; }

    /// <summary>The size of a logical sector in bytes: 512 or 4096.</summary>
    public int LogicalSectorSize { get; set; } = 512;

    /// <summary>The controller the guest sees it on.</summary>
    public DiskController Controller { get; set; }

    /// <summary>The digest of its content at import (<see cref="Disks.DiskDigest"/>); null where it was skipped.</summary>
    public string? Digest { get; set; }

    /// <summary>The image it was imported from; null for a disk that was made empty.</summary>
    public string? SourcePath { get; set; }

    /// <summary>The format of that image.</summary>
    public string? SourceFormat { get; set; }

    /// <summary>While it is linked to that image: what is needed of it, and how far its copy is. Null for a disk of its own right.</summary>
    public DiskLink? Link { get; set; }

    /// <summary>The disk's name.</summary>
    public override string ToString() => Name;
}

/// <summary>A network adapter of a machine.</summary>
public sealed class NetworkAdapter
{
    /// <summary>Its name within the machine: <c>nic0</c> is the first.</summary>
    public string Name { get; set; } = "";

    /// <summary>Its hardware address, six pairs of hexadecimal digits with colons.</summary>
    public string MacAddress { get; set; } = "";

    /// <summary>The device that the guest sees, in QEMU's word: <c>e1000</c>, <c>virtio-net-pci</c>.</summary>
    public string Model { get; set; } = "";

    /// <summary>The name of the network it is on; null while it is on none.</summary>
    public string? Network { get; set; }

    /// <summary>The id of that network.</summary>
    public Guid? NetworkId { get; set; }

    /// <summary>Its address there, which is its own until it leaves; null while it is on none.</summary>
    public string? IPAddress { get; set; }

    /// <summary>In a cloud: the public address that leads to it; null for none.</summary>
    public string? PublicIPAddress { get; set; }

    /// <summary>The adapter's name.</summary>
    public override string ToString() => Name;
}

/// <summary>Where a machine came from.</summary>
public sealed class ImportOrigin
{
    /// <summary>The file that was imported.</summary>
    public string Path { get; set; } = "";

    /// <summary>What it was: a disk image's format, or a description's kind.</summary>
    public string Format { get; set; } = "";

    /// <summary>The operation that imported it.</summary>
    public Guid Operation { get; set; }
}
