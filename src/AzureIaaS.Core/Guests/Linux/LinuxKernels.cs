using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests;

/// <summary>Which kernels a Linux has, and which drivers they have before they can read any disk.</summary>
internal static class LinuxKernels
{
    private static readonly string[] Drivers =
    [
        "hv_vmbus", "hv_storvsc", "hv_netvsc", "hv_utils", "virtio_blk", "virtio_scsi", "virtio_net", "virtio_pci", "nvme", "ahci", "ata_piix", "mptsas", "vmw_pvscsi",
        "e1000", "e1000e", "vmxnet3", "udf", "vfat",
    ];

    /// <summary>Adds the kernels, the newest last; of that one the initramfs is read.</summary>
    /// <param name="guest">What is known so far.</param>
    /// <param name="files">The system's files.</param>
    public static void Look(GuestInfo guest, GuestFileSystem files)
    {
        foreach (var release in files.List("/lib/modules").Order(Comparer<string>.Create(Compare)))
        {
            var folder = "/lib/modules/" + release;
            var builtIn = Names(files.Text(folder + "/modules.builtin"));
            var modules = Names(files.Text(folder + "/modules.dep"));
            if (builtIn.Count + modules.Count > 0)
                guest.Kernels.Add(new GuestKernel { Release = release, Drivers = [.. Drivers.Where(d => builtIn.Contains(d) || modules.Contains(d))], BootDrivers = null });
        }

        if (guest.Kernels.Count == 0)
            return;
        var kernel = guest.Kernels[^1];
        kernel.Initramfs = Places(kernel.Release).FirstOrDefault(files.Exists);
        if (kernel.Initramfs is null || files.Open(kernel.Initramfs) is not { } initramfs)
            return;
        try
        {
            var early = Initramfs.Modules(initramfs);
            early.UnionWith(Names(files.Text($"/lib/modules/{kernel.Release}/modules.builtin")));
            kernel.BootDrivers = [.. Drivers.Where(early.Contains)];
        }
        catch (FileSystemException e)
        {
            guest.Unread.Add($"{kernel.Initramfs} cannot be read: {e.Message}");
        }
    }

    /// <summary>Where distributions keep a kernel's initramfs.</summary>
    private static string[] Places(string release) =>
        [$"/boot/initrd.img-{release}", $"/boot/initramfs-{release}.img", $"/boot/initrd-{release}", $"/boot/initramfs-{release}", $"/boot/initrd-{release}.img", $"/lib/modules/{release}/initrd", "/boot/initramfs-linux.img"];

    /// <summary>The names of modules in a list of their files, in the form that the kernel shows.</summary>
    private static HashSet<string> Names(string? list) => [.. (list ?? "").Split('\n').Select(l => l.Split(':')[0]).Where(l => l.Length > 0).Select(Initramfs.NameOf)];

    /// <summary>Compares releases by their numbers: 6.1.0-9 is older than 6.1.0-18.</summary>
    private static int Compare(string a, string b)
    {
        int i = 0, j = 0;
        while (i < a.Length && j < b.Length)
        {
            if (!char.IsAsciiDigit(a[i]) || !char.IsAsciiDigit(b[j]))
            {
                if (a[i] != b[j])
                    return a[i].CompareTo(b[j]);
                (i, j) = (i + 1, j + 1);
                continue;
            }

            var (first, second) = (Digits(a, ref i), Digits(b, ref j));
            var order = first.Length != second.Length ? first.Length.CompareTo(second.Length) : string.CompareOrdinal(first, second);
            if (order != 0)
                return order;
        }

        return (a.Length - i).CompareTo(b.Length - j);
    }

    private static string Digits(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && char.IsAsciiDigit(text[at]))
            at++;
        return text[start..at].TrimStart('0');
    }
}
