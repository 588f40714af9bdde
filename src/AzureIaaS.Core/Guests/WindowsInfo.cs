namespace AzureIaaS.Guests;

/// <summary>When Windows starts a driver or service, in the registry's numbers.</summary>
public enum DriverStart
{
    /// <summary>By the boot loader; what Windows boots from must be of these.</summary>
    Boot = 0,

    /// <summary>With the kernel.</summary>
    System = 1,

    /// <summary>With the services.</summary>
    Automatic = 2,

    /// <summary>When a device asks for it.</summary>
    Manual = 3,

    /// <summary>Never.</summary>
    Disabled = 4,
}

/// <summary>A driver or service of Windows.</summary>
public sealed class WindowsDriver
{
    /// <summary>Its name: <c>storvsc</c>.</summary>
    public string Name { get; set; } = "";

    /// <summary>When it is started.</summary>
    public DriverStart Start { get; set; }

    /// <summary>The name and when it is started.</summary>
    public override string ToString() => $"{Name} ({Start})";
}

/// <summary>Which disks Windows brings online by itself, in the registry's numbers (partmgr, SanPolicy).</summary>
public enum SanPolicy
{
    /// <summary>Not set: OfflineShared on servers, OnlineAll elsewhere.</summary>
    Unknown = 0,

    /// <summary>All.</summary>
    OnlineAll = 1,

    /// <summary>All that are not on a shared bus.</summary>
    OfflineShared = 2,

    /// <summary>The one it boots from.</summary>
    OfflineAll = 3,

    /// <summary>All but internal ones.</summary>
    OfflineInternal = 4,
}

/// <summary>What a Windows' registry says of it. Unknown is a value: what was not seen is null or empty.</summary>
public sealed class WindowsInfo
{
    /// <summary>Its edition: <c>ServerDatacenter</c>.</summary>
    public string? Edition { get; set; }

    /// <summary>Its release: <c>21H2</c>.</summary>
    public string? Release { get; set; }

    /// <summary>Its build: 20348.</summary>
    public int? Build { get; set; }

    /// <summary>Whether it accepts remote desktop connections (fDenyTSConnections is 0).</summary>
    public bool? AllowsRemoteDesktop { get; set; }

    /// <summary>The TCP port of remote desktop.</summary>
    public int? RemoteDesktopPort { get; set; }

    /// <summary>Whether remote desktop asks for authentication before a session (NLA).</summary>
    public bool? RequiresNetworkAuthentication { get; set; }

    /// <summary>Whether the firewall is on for any kind of network.</summary>
    public bool? IsFirewallEnabled { get; set; }

    /// <summary>Whether a rule of the firewall lets remote desktop in.</summary>
    public bool? IsRemoteDesktopAllowedByFirewall { get; set; }

    /// <summary>Which disks it brings online; null where the registry does not say.</summary>
    public SanPolicy? SanPolicy { get; set; }

    /// <summary>Whether it takes the hardware clock for universal time (RealTimeIsUniversal).</summary>
    public bool IsClockUniversal { get; set; }

    /// <summary>Whether it hibernates its kernel when it is shut down (fast startup).</summary>
    public bool? HasFastStartup { get; set; }

    /// <summary>Whether it is hibernated now: its file systems are not to be changed, and other hardware cannot resume it.</summary>
    public bool IsHibernated { get; set; }

    /// <summary>The proxy of WinHTTP; null where there is none.</summary>
    public string? Proxy { get; set; }

    /// <summary>Its persistent routes, as the registry writes them: destination, mask, gateway, metric.</summary>
    public IList<string> PersistentRoutes { get; set; } = [];

    /// <summary>Those of the drivers that hypervisors ask for that it has.</summary>
    public IList<WindowsDriver> Drivers { get; set; } = [];
}
