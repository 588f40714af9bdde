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
    public static bool? HasSerialConsole(GuestFileSystem files)
    {
        var places = Files.Concat(Entries.SelectMany(e => files.List(e).Select(n => $"{e}/{n}")))
            .Concat(files.List("/boot/efi/EFI").Select(v => $"/boot/efi/EFI/{v}/grub.cfg"));
        var texts = places.SelectMany(p => new[] { p, p["/boot".Length..] }).Select(files.Text).OfType<string>().ToList();

        // A grub.cfg that only leads on to another one has no kernels in it.
        var lines = texts.SelectMany(t => t.Split('\n')).Select(l => l.Trim()).Where(IsCommandLine).ToList();
        return lines.Count == 0 ? null : lines.Exists(l => l.Contains("console=ttyS0", StringComparison.Ordinal));
    }

    private static bool IsCommandLine(string line) =>
        line.Split([' ', '\t', '='], 2)[0] is "linux" or "linux16" or "linuxefi" or "kernel" or "options" or "append" or "APPEND" or "kernelopts" or "saved_kernelopts";
}
