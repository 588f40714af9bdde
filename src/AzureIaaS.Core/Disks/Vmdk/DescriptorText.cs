using System.Globalization;
using System.Text;
using AzureIaaS.Disks.Vhd;

namespace AzureIaaS.Disks.Vmdk;

/// <summary>Writes the descriptor of a disk that is made (VMware Virtual Disk Format 5.0, "The Descriptor File").</summary>
internal static class DescriptorText
{
    /// <summary>How many sectors are kept for it in a sparse file, as VMware does.</summary>
    public const int Sectors = 20;

    /// <summary>Writes it.</summary>
    /// <param name="createType">The kind of disk.</param>
    /// <param name="fileName">The name of the file that the one extent is in.</param>
    /// <param name="sectors">The disk's size in sectors.</param>
    public static byte[] Make(string createType, string fileName, long sectors)
    {
        var access = createType == "streamOptimized" ? "RDONLY" : "RW";
        var (cylinders, heads, perTrack) = VhdFooter.GeometryOf(sectors);
        var cid = BitConverter.ToUInt32(Guid.NewGuid().ToByteArray()) & 0xFFFF_FFFE;   // all ones mean: none
        var text = string.Create(CultureInfo.InvariantCulture, $"""
            # Disk DescriptorFile
            version=1
            CID={cid:x8}
            parentCID=ffffffff
            createType="{createType}"

            # Extent description
            {access} {sectors} SPARSE "{fileName}"

            # The Disk Data Base
            #DDB

            ddb.adapterType = "lsilogic"
            ddb.geometry.cylinders = "{cylinders}"
            ddb.geometry.heads = "{heads}"
            ddb.geometry.sectors = "{perTrack}"
            ddb.virtualHWVersion = "10"

            """);
        var bytes = new byte[Sectors * 512];
        Encoding.UTF8.GetBytes(text.ReplaceLineEndings("\n")).CopyTo(bytes, 0);
        return bytes;
    }
}
