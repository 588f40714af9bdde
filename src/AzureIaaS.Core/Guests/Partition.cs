namespace AzureIaaS.Guests;

/// <summary>How a disk is divided.</summary>
public enum PartitionScheme
{
    /// <summary>No partition table.</summary>
    None,

    /// <summary>A master boot record with up to four primary partitions, and logical ones in an extended one.</summary>
    Mbr,

    /// <summary>A GUID partition table (UEFI specification, chapter 5).</summary>
    Gpt,
}

/// <summary>One partition of a disk.</summary>
/// <param name="Number">Its number as Linux counts it, from 1; logical partitions start at 5.</param>
/// <param name="Start">Where it starts on the disk, in bytes.</param>
/// <param name="Length">How long it is, in bytes.</param>
/// <param name="Type">Its type: a GUID in lower case for GPT, two hexadecimal digits for MBR.</param>
/// <param name="Name">Its name, for GPT; null otherwise.</param>
/// <param name="IsActive">Whether it is marked active, for MBR; legacy-bootable, for GPT.</param>
public sealed record Partition(int Number, long Start, long Length, string Type, string? Name, bool IsActive)
{
    /// <summary>The GPT type of an EFI system partition.</summary>
    public const string EfiSystem = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";

    /// <summary>The GPT type of the small partition where GRUB for BIOS lives.</summary>
    public const string BiosBoot = "21686148-6449-6e6f-744e-656564454649";

    /// <summary>The MBR type of an EFI system partition.</summary>
    public const string MbrEfiSystem = "ef";

    /// <summary>What it is called by wherever it lies (Linux' PARTUUID): its own GUID for GPT; the disk's signature and its number for MBR.</summary>
    public string Id { get; init; } = "";

    /// <summary>The first byte after the partition.</summary>
    public long End => Start + Length;
}
