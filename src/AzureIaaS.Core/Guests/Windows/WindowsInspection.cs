using System.Globalization;
using AzureIaaS.Guests.FileSystems;
using AzureIaaS.Guests.Registry;

namespace AzureIaaS.Guests;

/// <summary>What a Windows' registry and files say of it.</summary>
internal static class WindowsInspection
{
    private const string Configuration = "/Windows/System32/config/";

    private static readonly string[] LogExtensions = [".LOG1", ".LOG2", ".LOG"];

    private static readonly string[] Drivers =
    [
        "vmbus", "storvsc", "netvsc", "storflt", "hyperkbd", "VMBusHID", "viostor", "vioscsi", "NetKVM", "stornvme", "storahci", "intelide", "atapi", "LSI_SAS", "pvscsi", "vmxnet3ndis6", "E1G60",
        "e1i65x64",
    ];

    private static readonly string[] Agents = ["WindowsAzureGuestAgent", "RdAgent", "cloudbase-init", "QEMU-GA", "VMTools", "VBoxService", "xenbus", "prl_tools"];

    /// <summary>Adds what one volume's files tell; nothing where there is no Windows on it.</summary>
    /// <param name="guest">What is known so far.</param>
    /// <param name="files">The volume's files.</param>
    public static void Look(GuestInfo guest, GuestFileSystem files)
    {
        if (guest.Windows is not null || files.Open(Configuration + "SOFTWARE") is not { } software || files.Open(Configuration + "SYSTEM") is not { } system)
            return;
        guest.Family = GuestFamily.Windows;
        guest.Windows = new WindowsInfo { IsHibernated = IsHibernated(files) };
        guest.HasSerialConsole ??= false;
        if (files.Open("/Boot/BCD") is { } store && EfiInspection.BootsWithEms(store))
            guest.HasSerialConsole = true;
        LookAtSoftware(guest, guest.Windows, Hive(guest, files, software, "SOFTWARE"));
        var hive = Hive(guest, files, system, "SYSTEM");
        var current = hive.Key("Select")?.Number("Current") ?? 1;
        WindowsSystem.Look(guest, guest.Windows, hive, string.Create(CultureInfo.InvariantCulture, $"ControlSet{current:000}"), Drivers, Agents);
    }

    private static RegistryHive Hive(GuestInfo guest, GuestFileSystem files, GuestFile file, string name)
    {
        var hive = new RegistryHive(file, [.. LogExtensions.Select(e => files.Open(Configuration + name + e)).OfType<GuestFile>()]);
        if (hive.IsDirty)
            guest.Unread.Add($"the registry hive {name} was not written whole, and no transaction log of it has the rest");
        return hive;
    }

    private static void LookAtSoftware(GuestInfo guest, WindowsInfo windows, RegistryHive hive)
    {
        if (hive.Key(@"Microsoft\Windows NT\CurrentVersion") is { } version)
        {
            windows.Edition = version.Text("EditionID");
            windows.Release = version.Text("DisplayVersion") ?? version.Text("ReleaseId");
            windows.Build = int.TryParse(version.Text("CurrentBuildNumber") ?? version.Text("CurrentBuild"), NumberStyles.None, CultureInfo.InvariantCulture, out var build) ? build : null;
            guest.Name = NameOf(version.Text("ProductName"), windows.Build);
            guest.Version = VersionOf(version, windows.Build);
        }

        // A header of 12 bytes (size, counter, flags), then the proxy's length and name; flag 2 says that there is one.
        if (hive.Key(@"Microsoft\Windows\CurrentVersion\Internet Settings\Connections")?.Value("WinHttpSettings")?.Data is { Length: > 16 } settings && (Le.U32(settings, 8) & 2) != 0)
            windows.Proxy = System.Text.Encoding.Latin1.GetString(Fields.Slice(settings, 16, Le.U32(settings, 12)));
    }

    /// <summary>Windows 11 calls itself Windows 10 in its registry.</summary>
    private static string? NameOf(string? name, int? build) =>
        build >= 22000 && name?.StartsWith("Windows 10", StringComparison.Ordinal) == true ? string.Concat("Windows 11", name.AsSpan("Windows 10".Length)) : name ?? "Windows";

    private static string? VersionOf(HiveKey version, int? build) =>
        version.Number("CurrentMajorVersionNumber") is { } major
            ? string.Create(CultureInfo.InvariantCulture, $"{major}.{version.Number("CurrentMinorVersionNumber") ?? 0}.{build}.{version.Number("UBR") ?? 0}")
            : version.Text("CurrentVersion") is { } old ? string.Create(CultureInfo.InvariantCulture, $"{old}.{build}") : null;

    /// <summary>Whether hiberfil.sys holds a memory to resume; a used one is marked, an unused one is zeros.</summary>
    private static bool IsHibernated(GuestFileSystem files)
    {
        if (files.Open("/hiberfil.sys") is not { Length: >= 4 } file)
            return false;
        var signature = new byte[4];
        file.Read(0, signature);
        return System.Text.Encoding.ASCII.GetString(signature).ToUpperInvariant() is "HIBR" or "RSTR";
    }
}
