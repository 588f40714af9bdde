using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace AzureIaaS.Benchmarks.Networks;

/// <summary>Two gateways in network namespaces with a wire between them; the office's is a strongSwan configured by hand.</summary>
internal sealed partial class Tunnel : IAsyncDisposable
{
    public const string CloudAddress = "203.0.113.1";
    public const string OfficeAddress = "203.0.113.7";
    public const string MemberAddress = "10.20.0.4";
    public const string DeskAddress = "192.168.10.10";
    public const string Key = "benchmark";
    public const int Port = 9000;

    private const int NewNetwork = 0x40000000;
    private static readonly TimeSpan ReadyWithin = TimeSpan.FromSeconds(60);
    private static int _next;

    private readonly string _folder;
    private readonly List<Process> _processes = [];

    /// <summary>Names it.</summary>
    /// <param name="folder">A folder for its files.</param>
    public Tunnel(string folder)
    {
        _folder = folder;
        var number = Interlocked.Increment(ref _next);
        (Cloud, Office) = ($"bench{Environment.ProcessId}c{number}", $"bench{Environment.ProcessId}o{number}");
    }

    /// <summary>The namespace of this side.</summary>
    public string Cloud { get; }

    /// <summary>The namespace of the other side.</summary>
    public string Office { get; }

    /// <summary>Makes the namespaces and the wire, and starts the office's gateway.</summary>
    public Task BeginAsync()
    {
        foreach (var name in new[] { Cloud, Office })
        {
            Run("ip", "netns", "add", name);
            Run("ip", "-n", name, "link", "set", "lo", "up");
        }

        Run("ip", "link", "add", "wan", "netns", Cloud, "type", "veth", "peer", "name", "wan", "netns", Office);
        foreach (var (name, address) in new[] { (Cloud, CloudAddress), (Office, OfficeAddress) })
        {
            Run("ip", "-n", name, "address", "add", address + "/24", "dev", "wan");
            Run("ip", "-n", name, "link", "set", "wan", "up");
        }

        Run("ip", "-n", Office, "address", "add", DeskAddress + "/32", "dev", "lo");
        return StartByHandAsync(Office, OfficeAddress, CloudAddress, "192.168.10.0/24", "10.20.0.0/24", begins: false);
    }

    /// <summary>Starts this side's gateway by hand too.</summary>
    public Task StartCloudByHandAsync()
    {
        Run("ip", "-n", Cloud, "address", "add", MemberAddress + "/32", "dev", "lo");
        return StartByHandAsync(Cloud, CloudAddress, OfficeAddress, "10.20.0.0/24", "192.168.10.0/24", begins: true);
    }

    /// <summary>Starts a program in this side's namespace.</summary>
    public void StartInCloud(params string[] command) => Start(["netns", "exec", Cloud, .. command]);

    /// <summary>A UDP socket in a namespace.</summary>
    /// <param name="name">The namespace.</param>
    /// <param name="address">Its address.</param>
    public static Socket Udp(string name, string address)
    {
        Socket? socket = null;
        // A namespace is a thread's; a socket stays where it was made.
        var thread = new Thread(() =>
        {
            using var file = File.OpenHandle($"/run/netns/{name}");
            if (setns((int)file.DangerousGetHandle(), NewNetwork) != 0)
                return;
            socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { ReceiveBufferSize = 4 << 20, ReceiveTimeout = 1000 };
            socket.Bind(new IPEndPoint(IPAddress.Parse(address), Port));
        });
        thread.Start();
        thread.Join();
        return socket ?? throw new InvalidOperationException($"The namespace {name} cannot be entered.");
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var process in _processes)
        {
            using var asked = Process.Start("kill", ["-TERM", $"{process.Id}"]);
            await asked.WaitForExitAsync();
            if (!process.WaitForExit(TimeSpan.FromSeconds(15)))
                process.Kill(entireProcessTree: true);
            process.Dispose();
        }

        foreach (var name in new[] { Cloud, Office })
            Run("ip", "netns", "delete", name);
    }

    private async Task StartByHandAsync(string name, string own, string other, string ownSubnet, string otherSubnet, bool begins)
    {
        var folder = Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
        var (settings, vici, configuration) = (Path.Combine(folder, "strongswan.conf"), Path.Combine(folder, "vici"), Path.Combine(folder, "swanctl.conf"));
        File.WriteAllText(settings, $$"""
            charon-systemd {
                load = aes sha1 sha2 hmac kdf gcm random nonce openssl pem pkcs1 x509 pubkey constraints kernel-libipsec kernel-netlink socket-default vici
                load_modular = no
                plugins {
                    vici {
                        socket = unix://{{vici}}
                    }
                }
            }
            """);
        File.WriteAllText(configuration, $$"""
            connections {
                hand {
                    version = 2
                    remote_addrs = {{other}}
                    proposals = aes256-sha256-modp2048
                    encap = yes
                    mobike = no
                    local {
                        auth = psk
                        id = {{own}}
                    }
                    remote {
                        auth = psk
                        id = {{other}}
                    }
                    children {
                        hand {
                            local_ts = {{ownSubnet}}
                            remote_ts = {{otherSubnet}}
                            esp_proposals = aes256gcm16-modp2048
                            start_action = {{(begins ? "start" : "none")}}
                        }
                    }
                }
            }
            secrets {
                ike-hand {
                    id = {{other}}
                    secret = "{{Key}}"
                }
            }
            """);
        Start(["netns", "exec", name, "env", $"STRONGSWAN_CONF={settings}", "/usr/sbin/charon-systemd"]);
        for (var start = Stopwatch.StartNew(); !File.Exists(vici); await Task.Delay(50))
        {
            if (start.Elapsed > ReadyWithin)
                throw new InvalidOperationException("charon-systemd has not begun to work.");
        }

        Run("swanctl", "--load-all", "--uri", $"unix://{vici}", "--file", configuration);
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var (said, wrong) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEnd());
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {wrong}{said.Result}");
    }

    private void Start(IEnumerable<string> arguments)
    {
        var process = Process.Start(new ProcessStartInfo("ip", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        _processes.Add(process);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setns(int file, int kind);
}
