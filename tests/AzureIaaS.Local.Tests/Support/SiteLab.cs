using System.Diagnostics;
using System.Security.Cryptography.X509Certificates;
using AzureIaaS.Local.Processes;
using AzureIaaS.Networks;
using AzureIaaS.Providers;
using AzureIaaS.Tests.Networks;

namespace AzureIaaS.Local.Tests.Support;

/// <summary>
/// An enterprise in network namespaces: "cloud" is the computer with the fabric's gateway, "office" the site's gateway with a strongSwan of its own
/// between the wire and its network, "desk" a computer in the office.
/// </summary>
internal sealed class SiteLab : IAsyncDisposable
{
    public const string CloudAddress = "203.0.113.1";
    public const string OfficeAddress = "203.0.113.7";
    public const string OfficeSubnet = "192.168.10.0/24";
    public const string DeskAddress = "192.168.10.10";

    private static readonly string[] Needed = ["/usr/sbin/charon-systemd", "/usr/sbin/swanctl", "/usr/bin/curl", "/usr/bin/tcpdump", "/usr/sbin/dnsmasq", "/dev/net/tun"];
    private static int _next;

    private readonly TestFabric _fabric;
    private readonly string _prefix = $"t{Environment.ProcessId}n{Interlocked.Increment(ref _next)}";
    private readonly List<Process> _processes = [];
    private Process? _office;

    private SiteLab(TestFabric fabric) => _fabric = fabric;

    private string Cloud => _prefix + "c";

    private string Office => _prefix + "o";

    private string Desk => _prefix + "d";

    private string Folder => Path.Combine(_fabric.Folder, "office");

    private string Resolver => Path.Combine(Folder, "resolv.conf");

    private string Vici => $"unix://{Path.Combine(Folder, "vici")}";

    /// <summary>Makes it; skips where that cannot be.</summary>
    public static async Task<SiteLab> CreateAsync(TestFabric fabric)
    {
        Skip.IfNot(Environment.UserName == "root", "namespaces need root");
        foreach (var file in Needed)
            Skip.IfNot(File.Exists(file) || File.Exists(file.Replace("/usr/bin/", "/usr/sbin/", StringComparison.Ordinal)), $"{file} is not there");
        var lab = new SiteLab(fabric);
        foreach (var name in new[] { lab.Cloud, lab.Office, lab.Desk })
        {
            var made = await ProgramRun.RunAsync("ip", ["netns", "add", name], TimeSpan.FromSeconds(10), CancellationToken.None);
            Skip.IfNot(made.ExitCode == 0, $"a network namespace cannot be made: {made.Error}");
            await IpAsync("-n", name, "link", "set", "lo", "up");
        }

        await LinkAsync(lab.Cloud, "wan", $"{CloudAddress}/24", lab.Office, "wan", $"{OfficeAddress}/24");
        await LinkAsync(lab.Office, "lan", "192.168.10.1/24", lab.Desk, "lan", $"{DeskAddress}/24");
        await IpAsync("-n", lab.Desk, "route", "add", "default", "via", "192.168.10.1");
        await RunAsync("ip", "netns", "exec", lab.Office, "sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward");
        Directory.CreateDirectory(lab.Folder);
        await File.WriteAllTextAsync(lab.Resolver, "nameserver 127.0.0.1\n");
        return lab;
    }

    /// <summary>Makes a site of the office, as a cmdlet would from where the gateway is.</summary>
    public Task<Site> AddSiteAsync(VirtualNetwork network, string? key = null, Action<Site>? change = null, Func<Site, SiteCredential>? credential = null)
    {
        var site = new Site
        {
            Name = "office", NetworkId = network.Id, Network = network.Name, Subnets = [OfficeSubnet], GatewayAddress = OfficeAddress, LocalAddress = CloudAddress, DpdTimeoutSeconds = 9,
        };
        change?.Invoke(site);
        return ((ISiteProvider)_fabric.Provider).AddSiteAsync(site, credential?.Invoke(site) ?? (key is null ? null : SiteCredential.OfSharedKey(key)), _fabric.Notices, CancellationToken.None);
    }

    /// <summary>Starts the gateway of the sites, as a process of its own.</summary>
    public Process StartGateway()
    {
        string[] arguments = ["netns", "exec", Cloud, Path.Combine(Iaas.Root(), "bin", "cli", "iaas"), "site", "gateway", "--path", _fabric.Root, "--hypervisor", "Qemu", "--verbose"];
        return Start(arguments);
    }

    /// <summary>Starts the office's own gateway with a configuration.</summary>
    public async Task StartOfficeAsync(string configuration)
    {
        var settings = Path.Combine(Folder, "strongswan.conf");
        await File.WriteAllTextAsync(settings, $$"""
            charon-systemd {
                load = aes sha1 sha2 hmac kdf gcm random nonce openssl pem pkcs1 pkcs8 x509 pubkey constraints kernel-libipsec kernel-netlink socket-default vici
                load_modular = no
                plugins {
                    vici {
                        socket = {{Vici}}
                    }
                }
            }
            """);
        File.Delete(Path.Combine(Folder, "vici"));
        _office = Start(["netns", "exec", Office, "env", $"STRONGSWAN_CONF={settings}", "/usr/sbin/charon-systemd"]);
        await Until.HoldsAsync(() => File.Exists(Path.Combine(Folder, "vici")), "The office's gateway has not begun to work.");
        await ConfigureOfficeAsync(configuration);
    }

    /// <summary>Gives the office's gateway a configuration.</summary>
    public async Task ConfigureOfficeAsync(string configuration)
    {
        var file = Path.Combine(Folder, "swanctl.conf");
        await File.WriteAllTextAsync(file, configuration);
        await RunAsync("env", $"SWANCTL_DIR={Folder}", "swanctl", "--load-all", "--clear", "--uri", Vici, "--file", file);
    }

    /// <summary>Puts a certificate on the office's gateway where the configuration says.</summary>
    /// <param name="certificate">The certificate.</param>
    /// <param name="ca">Who is trusted there, as PEM.</param>
    public void Certify(X509Certificate2 certificate, string ca)
    {
        foreach (var (folder, text) in new[] { ("x509", certificate.ExportCertificatePem()), ("private", TestCertificates.KeyPem(certificate)), ("x509ca", ca) })
            File.WriteAllText(Path.Combine(Directory.CreateDirectory(Path.Combine(Folder, folder)).FullName, "corp.pem"), text);
    }

    /// <summary>Ends the office's gateway without a word, as a loss of power would.</summary>
    public async Task LoseOfficeAsync()
    {
        _office!.Kill(entireProcessTree: true);
        await _office.WaitForExitAsync();
    }

    /// <summary>Waits until the site is in a state, and its last error holds some words.</summary>
    public async Task<Site> WaitAsync(SiteState state, string words = "", int seconds = 180)
    {
        for (var limit = Stopwatch.StartNew(); ; await Task.Delay(200))
        {
            var site = (await ((ISiteProvider)_fabric.Provider).ListSitesAsync(CancellationToken.None)).Single();
            if (site.State == state && (site.LastError ?? "").Contains(words, StringComparison.Ordinal))
                return site;
            Assert.True(limit.Elapsed < TimeSpan.FromSeconds(seconds), $"The site is {site.State} and not {state}: {site.LastError}. {Log()}");
        }
    }

    /// <summary>Runs a command at the desk, whose resolver is the office's DNS server.</summary>
    /// <returns>What it has written, whether it failed or not.</returns>
    public async Task<string> AtDeskAsync(params string[] command)
    {
        string[] resolving = ["sh", "-c", $"mount --bind {Resolver} /etc/resolv.conf && exec \"$@\"", "sh"];
        var result = await ProgramRun.RunAsync("ip", ["netns", "exec", Desk, .. resolving, .. command], TimeSpan.FromSeconds(120), CancellationToken.None);
        return result.Output + result.Error;
    }

    /// <summary>Starts the office's DNS server, at the desk. What it forwards, an enterprise's own would be told to forward too.</summary>
    public void StartNames(params string[] settings) =>
        Start(["netns", "exec", Desk, "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", "--pid-file", "--user=root", .. settings]);

    /// <summary>Writes down what passes on the wire between the gateways, until it is killed.</summary>
    public async Task<Process> CaptureAsync(string file)
    {
        var capture = Start(["netns", "exec", Cloud, "tcpdump", "-n", "-i", "wan", "-U", "-w", file]);
        await Until.HoldsAsync(() => new FileInfo(file) is { Exists: true, Length: > 0 }, "tcpdump has not begun.");
        return capture;
    }

    /// <summary>How many packets of a capture a filter passes.</summary>
    public static async Task<int> CountAsync(string file, string filter)
    {
        var result = await ProgramRun.RunAsync("tcpdump", ["-n", "-r", file, filter], TimeSpan.FromSeconds(60), CancellationToken.None);
        return result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Length;
    }

    /// <summary>How many lines of the gateway's IKE daemon hold some words.</summary>
    public int CountInLog(string words) => File.ReadLines(_fabric.Layout.Sites.DaemonLog).Count(l => l.Contains(words, StringComparison.Ordinal));

    /// <summary>The last that the gateway's IKE daemon has said.</summary>
    public string Log()
    {
        var log = _fabric.Layout.Sites.DaemonLog;
        return File.Exists(log) ? string.Join('\n', File.ReadLines(log).TakeLast(15)) : "";
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            // Asked, not killed: the gateway takes its daemon along.
            if (!process.HasExited)
                await ProgramRun.RunAsync("kill", ["-TERM", $"{process.Id}"], TimeSpan.FromSeconds(10), CancellationToken.None);
            if (!process.WaitForExit(TimeSpan.FromSeconds(15)))
                process.Kill(entireProcessTree: true);
            await process.WaitForExitAsync();
            process.Dispose();
        }

        foreach (var name in new[] { Cloud, Office, Desk })
            await IpAsync("netns", "delete", name);
    }

    private static async Task LinkAsync(string one, string device, string address, string other, string otherDevice, string otherAddress)
    {
        await IpAsync("link", "add", device, "netns", one, "type", "veth", "peer", "name", otherDevice, "netns", other);
        await IpAsync("-n", one, "address", "add", address, "dev", device);
        await IpAsync("-n", other, "address", "add", otherAddress, "dev", otherDevice);
        await IpAsync("-n", one, "link", "set", device, "up");
        await IpAsync("-n", other, "link", "set", otherDevice, "up");
    }

    private static Task IpAsync(params string[] arguments) => RunAsync("ip", arguments);

    private static async Task RunAsync(string program, params string[] arguments)
    {
        var result = await ProgramRun.RunAsync(program, arguments, TimeSpan.FromSeconds(30), CancellationToken.None);
        Assert.True(result.ExitCode == 0, $"{program} {string.Join(' ', arguments)}: {result.Error}");
    }

    private Process Start(IEnumerable<string> arguments)
    {
        var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.ErrorDataReceived += (_, _) => { };
        process.OutputDataReceived += (_, _) => { };
        process.BeginErrorReadLine();
        process.BeginOutputReadLine();
        _processes.Add(process);
        return process;
    }
}
