using AzureIaaS.Guests;

namespace AzureIaaS.Readiness;

/// <summary>The rules for a Windows: what its registry must say before it moves, since afterwards nobody may be able to log on to correct it.</summary>
internal static class WindowsRules
{
    private const string AzureWindows = "Azure: prepare a Windows VHD for upload";
    private const string Hibernation = "Windows: hibernation and fast startup";
    private const int FirstSupportedBuild = 7600;

    private static readonly string[] OtherHypervisors = ["VMTools", "VBoxService", "xenbus", "prl_tools"];

    private static readonly (string Driver, bool IsForBoot)[] HyperVDrivers = [("vmbus", true), ("storvsc", true), ("netvsc", false)];

    /// <summary>Every one.</summary>
    public static IReadOnlyList<ReadinessRule> All { get; } =
    [
        new("Hibernated", ReadinessSeverity.Blocker, Hibernation, Of(w => w.IsHibernated,
            "Windows is hibernated (as a shutdown with fast startup leaves it): on other hardware it cannot resume, and what it has not written is lost.",
            "On the source, run shutdown /s /f /t 0 (or powercfg /h off, then shut down), and export it again.")),
        new("WindowsTooOld", ReadinessSeverity.Blocker, AzureWindows, Azure(w => w.Build < FirstSupportedBuild ? [($"Windows of build {w.Build} is older than Windows 7 and Windows Server 2008 R2.",
            "Upgrade it, or move its work to a newer one.")] : [])),
        new("WindowsDrivers", ReadinessSeverity.Blocker, AzureWindows, Azure(w => HyperVDrivers.SelectMany(d => DriverFindings(w, d.Driver, d.IsForBoot)))),
        new("DynamicOsDisk", ReadinessSeverity.Blocker, AzureWindows, s => s.IsAzure && s.Guest.DynamicDisks.Contains(0)
            ? [("The disk of the operating system is a dynamic disk.", "Convert it to a basic disk before the move.")] : []),
        new("DynamicDisk", ReadinessSeverity.Condition, "Windows: dynamic disks", s => s.Guest.DynamicDisks.Where(d => d > 0 || !s.IsAzure)
            .Select(d => ($"Disk {d} is a dynamic disk; volumes that span disks were not looked at.", "Bring all the disks of its volumes; Windows may ask to import them (Disk Management, Import Foreign Disks)."))),
        new("FastStartup", ReadinessSeverity.Condition, Hibernation, Of(w => w is { HasFastStartup: true, IsHibernated: false },
            "Fast startup is on: the next shutdown will hibernate the kernel.", "Turn it off: powercfg /h off.")),
        new("RemoteDesktop", ReadinessSeverity.Condition, AzureWindows, Azure(w => w.AllowsRemoteDesktop == false
            ? [("Remote desktop is off (fDenyTSConnections is 1), and there is no other way to log on.", "Turn it on: set fDenyTSConnections to 0 under HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server.")] : [])),
        new("RemoteDesktopPort", ReadinessSeverity.Condition, AzureWindows, Azure(w => w.RemoteDesktopPort is { } port and not 3389
            ? [($"Remote desktop listens on port {port}.", "Set PortNumber under HKLM\\SYSTEM\\CurrentControlSet\\Control\\Terminal Server\\WinStations\\RDP-Tcp to 3389, or let that port in.")] : [])),
        new("RemoteDesktopFirewall", ReadinessSeverity.Condition, AzureWindows, Azure(w => w is { AllowsRemoteDesktop: not false, IsFirewallEnabled: true, IsRemoteDesktopAllowedByFirewall: false }
            ? [("The firewall is on, and no rule of it lets remote desktop in.", "Enable its rules: Enable-NetFirewallRule -DisplayGroup 'Remote Desktop'.")] : [])),
        new("SanPolicy", ReadinessSeverity.Condition, AzureWindows, Azure(w => w.SanPolicy is { } policy and not SanPolicy.OnlineAll
            ? [($"The SAN policy is {policy}: data disks may stay offline.", "Set it: diskpart, san policy=onlineall.")] : [])),
        new("ClockUniversal", ReadinessSeverity.Condition, AzureWindows, Azure(w => w.IsClockUniversal ? []
            : [("Windows takes the hardware clock for local time, and Azure's is UTC.", "Set RealTimeIsUniversal to 1 under HKLM\\SYSTEM\\CurrentControlSet\\Control\\TimeZoneInformation.")])),
        new("PersistentRoutes", ReadinessSeverity.Condition, AzureWindows, Azure(w => w.PersistentRoutes.Select(r => ($"There is a persistent route: {r}.", "Remove it (route delete), unless its gateway comes along.")))),
        new("Proxy", ReadinessSeverity.Condition, AzureWindows, Azure(w => w.Proxy is { } proxy
            ? [($"WinHTTP has the proxy {proxy}.", "Remove it (netsh winhttp reset proxy), unless it can be reached from there; 168.63.129.16 must be reached without it.")] : [])),
        new("OtherHypervisor", ReadinessSeverity.Condition, AzureWindows, s => s.IsAzure && s.Guest.Windows is not null
            ? s.Guest.Agents.Intersect(OtherHypervisors).Select(a => ($"{a}, which belongs to another hypervisor, is installed.", "Uninstall it before the move, or right after.")) : []),
        new("WindowsAgent", ReadinessSeverity.Condition, AzureWindows, s => s.IsAzure && s.Guest.Windows is not null && !s.Guest.Agents.Contains("WindowsAzureGuestAgent")
            ? [("The Azure VM agent is not installed: extensions and password resets will not work.", "Install it before the move.")] : []),
        new("DirtyFileSystem", ReadinessSeverity.Condition, AzureWindows, s => s.Guest.Volumes.Where(v => v is { Content: "NTFS", IsDirty: true })
            .Select(v => ($"The NTFS volume on {v.Place} was not closed properly.", "Run chkdsk on the source, shut it down, and export it again."))),
    ];

    private static Func<ReadinessSubject, IEnumerable<(string Message, string Remedy)>> Of(Predicate<WindowsInfo> applies, string message, string remedy) =>
        s => s.Guest.Windows is { } windows && applies(windows) ? [(message, remedy)] : [];

    private static Func<ReadinessSubject, IEnumerable<(string Message, string Remedy)>> Azure(Func<WindowsInfo, IEnumerable<(string Message, string Remedy)>> find) =>
        s => s.IsAzure && s.Guest.Windows is { } windows ? find(windows) : [];

    private static IEnumerable<(string Message, string Remedy)> DriverFindings(WindowsInfo windows, string name, bool isForBoot)
    {
        var driver = windows.Drivers.FirstOrDefault(d => d.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
        if (driver is null)
            yield return ($"Windows has no driver {name}.", "Install the Hyper-V integration services of its version before the move.");
        else if (driver.Start == DriverStart.Disabled || (isForBoot && driver.Start != DriverStart.Boot))
            yield return ($"The driver {name} is set to start {driver.Start}, and should {(isForBoot ? "at boot: Windows boots from what it drives" : "when its device is there: it drives the network")}.",
                $"Set Start (and 0 in StartOverride, where that is) to {(isForBoot ? 0 : 3)} under HKLM\\SYSTEM\\CurrentControlSet\\Services\\{name}.");
    }
}
