namespace AzureIaaS.Local.Hypervisors.Qemu;

/// <summary>A UEFI firmware: code to be shared, and the template of the variables that each machine has its own copy of.</summary>
/// <param name="Code">The code's file.</param>
/// <param name="Variables">The template's file.</param>
internal sealed record UefiFirmware(string Code, string Variables);

/// <summary>Where QEMU and its firmware are on this machine.</summary>
internal static class QemuInstallation
{
    private static readonly string[] ProgramNames = ["qemu-system-x86_64", "qemu-kvm"];

    /// <summary>Where distributions put OVMF without secure boot: Debian and Ubuntu, Fedora and RHEL, Arch, openSUSE.</summary>
    private static readonly UefiFirmware[] KnownFirmware =
    [
        new("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_VARS_4M.fd"),
        new("/usr/share/OVMF/OVMF_CODE.fd", "/usr/share/OVMF/OVMF_VARS.fd"),
        new("/usr/share/edk2/ovmf/OVMF_CODE.fd", "/usr/share/edk2/ovmf/OVMF_VARS.fd"),
        new("/usr/share/edk2/x64/OVMF_CODE.4m.fd", "/usr/share/edk2/x64/OVMF_VARS.4m.fd"),
        new("/usr/share/qemu/ovmf-x86_64-code.bin", "/usr/share/qemu/ovmf-x86_64-vars.bin"),
    ];

    /// <summary>Finds QEMU on the PATH, and where distributions hide it.</summary>
    /// <exception cref="IaaSException">It is not installed.</exception>
    public static string FindProgram()
    {
        var folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Append("/usr/libexec");
        var found = folders.SelectMany(f => ProgramNames.Select(n => Path.Combine(f, n))).FirstOrDefault(IsExecutable);
        return found ?? throw new IaaSException(ErrorKind.NotInstalled, "QemuNotInstalled", "QEMU (qemu-system-x86_64) was not found on this machine.",
            "Install it (Debian, Ubuntu: apt install qemu-system-x86 ovmf; Fedora, RHEL: dnf install qemu-kvm edk2-ovmf), or use a simulated fabric: Connect-IaaS -Local -Hypervisor Simulated.");
    }

    /// <summary>Finds UEFI firmware.</summary>
    /// <exception cref="IaaSException">It is not installed.</exception>
    public static UefiFirmware FindUefi() =>
        KnownFirmware.FirstOrDefault(f => File.Exists(f.Code) && File.Exists(f.Variables))
        ?? throw new IaaSException(ErrorKind.NotInstalled, "UefiNotInstalled", "This machine needs UEFI firmware, and OVMF was not found.",
            "Install it (Debian, Ubuntu: apt install ovmf; Fedora, RHEL: dnf install edk2-ovmf).");

    private static bool IsExecutable(string path) =>
        File.Exists(path) && (OperatingSystem.IsWindows()
            || (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0);
}
