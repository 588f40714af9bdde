using AzureIaaS.Disks.Qcow;
using AzureIaaS.Disks.Qcow2;
using AzureIaaS.Disks.Raw;
using AzureIaaS.Disks.Recognised;
using AzureIaaS.Disks.Vdi;
using AzureIaaS.Disks.Vhd;
using AzureIaaS.Disks.Vhdx;
using AzureIaaS.Disks.Vmdk;

namespace AzureIaaS.Disks;

public abstract partial class DiskFormat
{
    /// <summary>
    /// Every format there is, in probe order: first VHD, whose footer at the end outweighs whatever a guest has written to the start, then
    /// those with a signature at the start, then what is recognised only to be refused by name, and raw last of all.
    /// </summary>
    public static IReadOnlyList<DiskFormat> Known { get; } =
    [
        new VhdFormat(),
        new VhdxFormat(),
        new VmdkFormat(),
        new Qcow2Format(),
        new QcowFormat(),
        new VdiFormat(),
        .. RecognisedFormat.All,
        new RawFormat(),
    ];
}
