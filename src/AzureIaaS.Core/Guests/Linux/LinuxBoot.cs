using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests;

/// <summary>What a Linux's boot loader is told: GRUB's configuration, entries of the Boot Loader Specification, extlinux.</summary>
internal static class LinuxBoot
{
    private static readonly string[] Files =
    [
        "/boot/grub/grub.cfg", "/boot/grub2/grub.cfg", "/boot/grub/menu.lst", "/boot/grub/grub.conf", "/boot/extlinux/extlinux.conf", "/boot/syslinux/syslinux.cfg", "/boot/grub2/grubenv", "/boot/grub/grubenv",
    ];

    private static readonly string[] Entries = ["/boot/loader/entries", "/boot/efi/loader/entries"];

    /// <summary>Whether a kernel's command line writes to the first serial port; null where none was seen.</summary>
    /// <param name="files">The system's files, or those of a /boot of its own.</param>
    public static bool? HasSerialConsole(GuestFileSystem files) => CommandLines(files) is { Count: > 0 } lines ? lines.Any(l => l.Contains("console=ttyS0", StringComparison.Ordinal)) : null;

    /// <summary>The parameters that name a device by a name that another hypervisor gives to another disk, each once.</summary>
    /// <param name="files">The system's files.</param>
    public static IEnumerable<string> DeviceNames(GuestFileSystem files) => CommandLines(files).SelectMany(l => l.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries))
        .Where(w => w.Split('=', 2) is ["root" or "resume", var device] && Fstab.IsDeviceName(device)).Distinct(StringComparer.Ordinal);

    /// <summary>The lines with kernels' parameters.</summary>
    private static List<string> CommandLines(GuestFileSystem files)
    {
        var places = Files.Concat(Entries.SelectMany(e => files.List(e).Select(n => $"{e}/{n}")))
            .Concat(files.List("/boot/efi/EFI").Select(v => $"/boot/efi/EFI/{v}/grub.cfg"));
        var texts = places.SelectMany(p => new[] { p, p["/boot".Length..] }).Select(files.Text).OfType<string>();

        // A grub.cfg that only leads on to another one has no kernels in it.
        return [.. texts.SelectMany(t => t.Split('\n')).Select(l => l.Trim()).Where(IsCommandLine)];
    }

    private static bool IsCommandLine(string line) =>
        line.Split([' ', '\t', '='], 2)[0] is "linux" or "linux16" or "linuxefi" or "kernel" or "options" or "append" or "APPEND" or "kernelopts" or "saved_kernelopts";
}
