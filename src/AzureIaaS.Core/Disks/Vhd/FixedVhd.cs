namespace AzureIaaS.Disks.Vhd;

/// <summary>A fixed VHD: the disk's bytes, then a footer. What a cloud takes that knows no other format.</summary>
public static class FixedVhd
{
    /// <summary>How long the footer is, in bytes.</summary>
    public const int FooterSize = VhdFooter.Size;

    /// <summary>Makes the footer of a fixed disk.</summary>
    /// <param name="length">The disk's length in bytes.</param>
    /// <param name="id">The disk's identity.</param>
    public static byte[] Footer(long length, Guid id) => VhdFooter.Make(VhdDiskType.Fixed, length, ulong.MaxValue, id);
}
