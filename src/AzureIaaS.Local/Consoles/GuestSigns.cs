using System.Text.RegularExpressions;

namespace AzureIaaS.Local.Consoles;

/// <summary>
/// Tells a guest's own words from those of its firmware and boot loader, which speak on the same line and prove nothing: a machine whose boot
/// loader finds no kernel has said a lot, and does not live.
/// </summary>
internal static partial class GuestSigns
{
    /// <summary>Whether a line is the guest's own.</summary>
    /// <param name="raw">The line as it came.</param>
    public static bool IsGuests(string raw)
    {
        var line = ConsoleText.Clean(raw).Trim();
        if (line.Length == 0)
            return false;
        if (Kernel().IsMatch(line))
            return true;

        // A menu drawn on the screen is a loader's, unless a kernel was recognised above.
        return !ConsoleText.MovesCursor(raw) && !Loader().IsMatch(line) && line.Any(char.IsLetter);
    }

    [GeneratedRegex(@"^\[ *\d+\.\d{6}\]|Linux version \d|Decompressing Linux|systemd\[1\]|^Welcome to (?!GRUB)|login: ?$|Copyright \(c\) .*(FreeBSD|NetBSD|OpenBSD)|^SAC>|Microsoft Windows", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex Kernel();

    [GeneratedRegex(
        @"^(SeaBIOS|iPXE|BdsDxe|UEFI|Boot(ing)? |Booting from|Press |GRUB|Welcome to GRUB|error: |Loading |LOADING |ISOLINUX|SYSLINUX|PXELINUX|EXTLINUX|boot: ?$|lilo|LILO|No bootable|Boot failed|Machine UUID|Shell>|map:|>>|MBR|Missing operating|Operating System not found|Invalid partition|EFI stub|EFI Internal Shell|Start PXE|Entering |rescue>|grub|\.+$|Setting |Minimal BASH|Use the |The highlighted|before booting|systemd-boot|Unknown filesystem|!!!! |X64 Exception)",
        RegexOptions.CultureInvariant | RegexOptions.IgnoreCase, 1000)]
    private static partial Regex Loader();
}
