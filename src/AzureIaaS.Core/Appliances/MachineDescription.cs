namespace AzureIaaS.Appliances;

/// <summary>
/// A machine as a description file says, before any disk of it was looked at. Unknown is a value: what the file does not say is null,
/// Unknown or empty.
/// </summary>
public sealed record MachineDescription
{
    /// <summary>The kind of description: <c>ovf</c>, <c>vmx</c>, <c>libvirt</c>, <c>hyperv</c>, <c>vbox</c>.</summary>
    public required string Format { get; init; }

    /// <summary>The machine's name; null where it has none.</summary>
    public string? Name { get; init; }

    /// <summary>The number of virtual processors.</summary>
    public int? Cpu { get; init; }

    /// <summary>The guest's memory in bytes.</summary>
    public long? Memory { get; init; }

    /// <summary>The firmware.</summary>
    public Firmware Firmware { get; init; }

    /// <summary>Whether the firmware starts only what is signed.</summary>
    public bool? SecureBoot { get; init; }

    /// <summary>Whether it has a virtual TPM, whose secrets no export holds.</summary>
    public bool HasTpm { get; init; }

    /// <summary>What it says the guest is, in its own words; null for nothing.</summary>
    public string? GuestOs { get; init; }

    /// <summary>The disks, the one to boot from first.</summary>
    public IReadOnlyList<DescribedDisk> Disks { get; init; } = [];

    /// <summary>The network adapters in order.</summary>
    public IReadOnlyList<DescribedAdapter> Adapters { get; init; } = [];

    /// <summary>The CD and DVD drives: the medium in each, or null for an empty one.</summary>
    public IReadOnlyList<string?> MediaDrives { get; init; } = [];

    /// <summary>What is odd, or was left out deliberately, in sentences.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];
}

/// <summary>A disk of a described machine.</summary>
/// <param name="Reference">The file, as the description names it; empty for a disk that is made empty.</param>
/// <param name="Controller">The controller that the guest sees it on.</param>
/// <param name="Format">The file's format, by its short name here; null to look.</param>
/// <param name="Capacity">The size of the disk in bytes; null where it is not said.</param>
/// <param name="Digest">The digest that a manifest gives of the file: algorithm, colon, hexadecimal; of a file in chunks one of each, with commas between; null for none.</param>
/// <param name="ChunkedLength">The length in bytes of a file that is cut into chunks, all of them together; null where it is not, or is not said.</param>
public sealed record DescribedDisk(string Reference, DiskController Controller, string? Format = null, long? Capacity = null, string? Digest = null, long? ChunkedLength = null);

/// <summary>A network adapter of a described machine.</summary>
/// <param name="MacAddress">Its address, six pairs of hexadecimal digits with colons; null where it is not said.</param>
/// <param name="Network">The network's name at its origin; null where it is on none.</param>
/// <param name="Model">The device that the guest sees, in QEMU's word; null where it has none like it.</param>
public sealed record DescribedAdapter(string? MacAddress, string? Network, string? Model)
{
    /// <summary>The device that VMware calls so, in QEMU's word; null where it has none like it.</summary>
    /// <param name="name">VMware's word, in any case.</param>
    public static string? ModelForVmware(string? name) => AdapterModel.ForVmware(name);

    /// <summary>A hardware address in the one way it is written here; null if it is none, or a group's.</summary>
    /// <param name="text">The address, with or without separators.</param>
    public static string? Normalise(string? text)
    {
        var digits = string.Concat((text ?? "").Where(char.IsAsciiHexDigit)).ToLowerInvariant();
        return digits.Length == 12 && digits.Any(c => c != '0') && (Convert.ToInt32(digits[1..2], 16) & 1) == 0
            ? string.Join(':', digits.Chunk(2).Select(c => new string(c)))
            : null;
    }
}
