using AzureIaaS.Tests.Guests.Registry;

namespace AzureIaaS.Tests.Support;

/// <summary>Makes disks with a Windows on them, as far as inspection looks: its registry and a few files in an NTFS volume behind an MBR.</summary>
internal static class WindowsDisk
{
    public const string Services = @"ControlSet001\Services\";
    public const string Control = @"ControlSet001\Control\";

    public static void Require()
    {
        Programs.Require("mkntfs", "ntfs-3g");
        Programs.RequireMount("fuse");
    }

    /// <summary>The hive SOFTWARE of a Windows Server 2022.</summary>
    public static HiveBuilder Software()
    {
        const string version = @"Microsoft\Windows NT\CurrentVersion";
        return new HiveBuilder().Set(version, "ProductName", "Windows Server 2022 Datacenter").Set(version, "EditionID", "ServerDatacenter").Set(version, "CurrentBuildNumber", "20348")
            .Set(version, "DisplayVersion", "21H2").Set(version, "CurrentMajorVersionNumber", 10).Set(version, "CurrentMinorVersionNumber", 0).Set(version, "UBR", 587);
    }

    /// <summary>The hive SYSTEM of one that is fit to move, in control set 1.</summary>
    public static HiveBuilder System()
    {
        var hive = new HiveBuilder().Set("Select", "Current", 1).Set(Control + @"ComputerName\ComputerName", "ComputerName", "SHAREPOINT")
            .Set(Control + @"Session Manager\Environment", "PROCESSOR_ARCHITECTURE", "AMD64").Set(Control + "TimeZoneInformation", "TimeZoneKeyName", "W. Europe Standard Time")
            .Set(Control + "TimeZoneInformation", "RealTimeIsUniversal", 1).Set(Control + "Terminal Server", "fDenyTSConnections", 0)
            .Set(Control + @"Terminal Server\WinStations\RDP-Tcp", "PortNumber", 3389).Set(Control + @"Terminal Server\WinStations\RDP-Tcp", "UserAuthentication", 1)
            .Set(Control + @"Session Manager\Power", "HiberbootEnabled", 0).Set(Services + @"partmgr\Parameters", "SanPolicy", 1)
            .Set(Services + @"SharedAccess\Parameters\FirewallPolicy\StandardProfile", "EnableFirewall", 1)
            .Set(Services + @"SharedAccess\Parameters\FirewallPolicy\FirewallRules", "RemoteDesktop-UserMode-In-TCP", "v2.30|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3389|App=%SystemRoot%\\system32\\svchost.exe|")
            .Set(Services + "WindowsAzureGuestAgent", "Start", 2).Set(Services + "netvsc", "Start", 3).Set(Services + "viostor", "Start", 0);
        foreach (var driver in new[] { "vmbus", "storvsc", "storahci" })
            hive.Set(Services + driver, "Start", 0);
        return hive;
    }

    /// <summary>Writes the volume of the system, behind a partition table.</summary>
    public static string Make(TestFolder folder, HiveBuilder software, HiveBuilder system, Action<string>? more = null)
    {
        var image = FileSystemImages.Empty(folder, $"windows-{Guid.NewGuid():N}.img", 16 << 20);
        Programs.Run("mkntfs", "-Q", "-q", "-F", image);
        Programs.Mounted(folder, image, "ntfs-3g", "noatime", place =>
        {
            var config = Directory.CreateDirectory(Path.Combine(place, "Windows/System32/config")).FullName;
            File.WriteAllBytes(Path.Combine(config, "SOFTWARE"), software.Build());
            File.WriteAllBytes(Path.Combine(config, "SYSTEM"), system.Build());
            more?.Invoke(place);
        });
        return LinuxDisk.Partitioned(folder, image, type: 7);
    }
}
