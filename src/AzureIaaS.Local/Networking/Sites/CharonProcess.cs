using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text.Json;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Networking.Shell;
using AzureIaaS.Local.Processes;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>strongSwan's IKE daemon, charon, as a process of the sites' gateway, with settings and sockets of its own: the system's is not touched.</summary>
internal sealed partial class CharonProcess : IAsyncDisposable
{
    private const int IkePort = 500;
    private const int NatTraversalPort = 4500;
    private const int MostDevices = 64;
    private const string KernelDevice = "iaas-ipsec";
    private const string Install = "Install strongSwan (Debian and Ubuntu: apt install charon-systemd libcharon-extra-plugins libstrongswan-standard-plugins).";
    private static readonly string[] Programs = ["/usr/sbin/charon-systemd", "/usr/local/sbin/charon-systemd"];
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan EndWithin = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(50);

    private readonly ProcessIdentity _process;
    private readonly HashSet<IPAddress> _addresses = [];

    private CharonProcess(ProcessIdentity process, string device, IpsecEngine engine) => (_process, Device, Engine) = (process, device, engine);

    /// <summary>The device whose packets go through its tunnels.</summary>
    public string Device { get; }

    /// <summary>What encrypts their packets.</summary>
    public IpsecEngine Engine { get; }

    public bool IsAlive => ProcessTable.IsAlive(_process);

    /// <summary>Why a site's tunnel cannot be made on this computer; null when it can.</summary>
    public static IaaSException? Problem()
    {
        if (!OperatingSystem.IsLinux() || !Tap.IsRoot)
        {
            return new IaaSException(ErrorKind.AccessDenied, "RootNeeded", "A site's tunnel needs the network of this computer, which only root on Linux may change.",
                "Work on the fabric as root (sudo); or do without a tunnel: Start-IaaSVm -PublishPort needs no root.");
        }

        if (!Array.Exists(Programs, File.Exists))
            return new IaaSException(ErrorKind.NotInstalled, "StrongSwanMissing", "A site's tunnel is made by strongSwan, whose IKE daemon (charon-systemd) is not installed.", Install, Programs[0]);
        return File.Exists("/dev/net/tun") ? null
            : new IaaSException(ErrorKind.NotInstalled, "TunMissing", "A site's tunnel needs /dev/net/tun, which this system does not have.", "Load the kernel's module: modprobe tun.");
    }

    /// <summary>Starts the daemon; one that an earlier gateway has left behind is ended.</summary>
    /// <param name="files">The gateway's files.</param>
    /// <param name="engine">What encrypts packets.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<CharonProcess> StartAsync(SiteFiles files, IpsecEngine engine, CancellationToken cancellation)
    {
        await EndFormerAsync(files);
        CheckPorts();
        if (engine == IpsecEngine.Kernel)
            await KernelIpsec.AddDeviceAsync(KernelDevice, ProgramRun.RunAsync, cancellation);
        var device = engine == IpsecEngine.Kernel ? KernelDevice : Enumerable.Range(0, MostDevices).Select(i => $"ipsec{i}").First(d => if_nametoindex(d) == 0);
        File.Delete(files.Vici);
        await File.WriteAllTextAsync(files.Settings, CharonMessages.Settings(files.Vici, files.DaemonLog, engine), cancellation);
        var number = Launcher.Start("/usr/bin/env", [$"STRONGSWAN_CONF={files.Settings}", Array.Find(Programs, File.Exists)!], files.Run, files.DaemonLog, confinement: null);
        var process = ProcessTable.Find(number) ?? throw Ended(files);
        await File.WriteAllTextAsync(files.Daemon, JsonSerializer.Serialize(process, SiteJson.Default.ProcessIdentity), cancellation);
        var charon = new CharonProcess(process, device, engine);
        try
        {
            for (var start = Environment.TickCount64; if_nametoindex(device) == 0 || !File.Exists(files.Vici); await Task.Delay(LookEvery, cancellation))
            {
                if (!charon.IsAlive || Environment.TickCount64 - start > ReadyWithin.TotalMilliseconds)
                    throw Ended(files);
            }

            await PrepareDeviceAsync(device, cancellation);
            return charon;
        }
        catch
        {
            await charon.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Gives the device an address of a network: the daemon wants one on its own side of each tunnel. It is taken out of the table of this
    /// computer's own addresses at once, so that nobody reaches this computer by it.
    /// </summary>
    /// <param name="address">The network's second address, which is kept for this.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task AddAddressAsync(IPAddress address, CancellationToken cancellation)
    {
        if (!_addresses.Add(address))
            return;   // of another site of the same network
        string[] route = ["local", $"{address}/32", "dev", Device, "table"];
        await IpAsync(cancellation, "address", "replace", $"{address}/32", "dev", Device);
        await IpAsync(cancellation, ["route", "replace", .. route, $"{CharonMessages.RoutingTable}"]);
        await IpAsync(cancellation, ["route", "delete", .. route, "local"]);
    }

    public async ValueTask DisposeAsync()
    {
        await ProcessTable.TerminateAsync(_process, EndWithin);   // it tells its peers
        if (Engine == IpsecEngine.Kernel)
            await KernelIpsec.RemoveDeviceAsync(Device, ProgramRun.RunAsync, CancellationToken.None);
    }

    /// <summary>What comes out of the tunnel is the gateway's alone: this computer itself neither takes nor forwards it.</summary>
    private static async Task PrepareDeviceAsync(string device, CancellationToken cancellation)
    {
        await IpAsync(cancellation, "link", "set", device, "addrgenmode", "none", "up");
        foreach (var (setting, value) in new[] { ("ipv4/conf/{0}/forwarding", "0"), ("ipv4/conf/{0}/rp_filter", "1"), ("ipv6/conf/{0}/disable_ipv6", "1") })
        {
            var path = $"/proc/sys/net/{string.Format(System.Globalization.CultureInfo.InvariantCulture, setting, device)}";
            if (File.Exists(path))
                await File.WriteAllTextAsync(path, value, cancellation);
        }
    }

    private static async Task IpAsync(CancellationToken cancellation, params string[] arguments)
    {
        var result = await ProgramRun.RunAsync("ip", arguments, TimeSpan.FromSeconds(10), cancellation);
        if (result.ExitCode != 0)
        {
            throw new IaaSException(ErrorKind.Failed, "TunnelDeviceRefused", $"ip {string.Join(' ', arguments)} failed: {result.Error.Trim()}",
                "Run the gateway as root; from a container, with the capability NET_ADMIN.");
        }
    }

    private static async Task EndFormerAsync(SiteFiles files)
    {
        if (File.Exists(files.Daemon) && JsonSerializer.Deserialize(await File.ReadAllTextAsync(files.Daemon), SiteJson.Default.ProcessIdentity) is { } former)
            await ProcessTable.TerminateAsync(former, EndWithin);
    }

    private static void CheckPorts()
    {
        foreach (var port in new[] { IkePort, NatTraversalPort })
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                socket.Bind(new IPEndPoint(IPAddress.Any, port));
            }
            catch (SocketException e)
            {
                throw new IaaSException(ErrorKind.AlreadyExists, "IkePortTaken", $"UDP port {port} cannot be listened at: {e.Message}.",
                    "Another IKE daemon has it, perhaps the system's own: systemctl disable --now strongswan strongswan-starter.", port, e);
            }
        }
    }

    private static IaaSException Ended(SiteFiles files)
    {
        var last = File.Exists(files.DaemonLog) ? File.ReadLines(files.DaemonLog).LastOrDefault() : null;
        return new IaaSException(ErrorKind.Failed, "IkeDaemonFailed", $"strongSwan's IKE daemon has not begun to work{(last is null ? "" : $"; its last words: {last}")}.",
            Install + " Without kernel IPsec it needs its plugin kernel-libipsec, of libcharon-extra-plugins.", files.DaemonLog);
    }

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial uint if_nametoindex(string name);
}
