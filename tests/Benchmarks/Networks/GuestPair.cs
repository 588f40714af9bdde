using System.Diagnostics;
using System.Text.RegularExpressions;
using AzureIaaS.Benchmarks.Failover;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Guests.Testing;
using AzureIaaS.Imports;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Benchmarks.Networks;

/// <summary>What is between two guests' network cards.</summary>
internal enum Way
{
    /// <summary>The product's switch, a process of its own.</summary>
    Switch,

    /// <summary>QEMU's own <c>socket,mcast</c>.</summary>
    Multicast,

    /// <summary>Nothing: the netdev that the switch is reached by, from the one QEMU to the other. What guests exchange by it is their limit.</summary>
    Datagrams,

    /// <summary>Nothing: a stream from the one QEMU to the other. It ends with the switch, and QEMU ends itself when one ends while frames wait for its guest.</summary>
    Stream,

    /// <summary>Nothing: L2TPv3 by UDP on the loopback, of which QEMU takes many frames at a time, and to which every user of this computer can send.</summary>
    L2tp,

    /// <summary>Nothing, and nobody at the other end: the sender's QEMU finds nobody to send to, and forgets the frames.</summary>
    Nowhere,
}

/// <summary>
/// Two Linux machines of a fabric, started by the product and on a network of its; each has a further card of the same model for every other way,
/// plugged in as they run. So it is always the same two guests, and nothing is started between two measurements.
/// </summary>
internal sealed class GuestPair : IAsyncDisposable
{
    private const long Memory = 128L << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    private static readonly int Port = 20000 + (Environment.ProcessId % 40000);

    private readonly IaaSSession _session;
    private readonly FabricLayout _layout;
    private readonly CancellationToken _cancellation;
    private readonly VirtualMachine[] _machines = new VirtualMachine[2];
    private readonly ProcessTimes[] _threads = new ProcessTimes[2];
    private Process? _switch;

    private GuestPair(IaaSSession session, CancellationToken cancellation) =>
        (_session, _layout, _cancellation) = (session, new FabricLayout(session.Context.Path), cancellation);

    /// <summary>Processor time of the guests' own threads, sender first.</summary>
    public IReadOnlyList<ProcessTimes> Guests => _threads;

    /// <summary>The switch's processor time.</summary>
    public TimeSpan SwitchTime => ProcessTimes.OfProcess(_switch!.Id);

    /// <summary>Imports them, starts them, and waits until they have all their addresses.</summary>
    /// <param name="folder">An empty folder.</param>
    /// <param name="cancellation">Ends it all.</param>
    public static async Task<GuestPair> StartAsync(string folder, CancellationToken cancellation)
    {
        var pair = new GuestPair(new BenchFabric(folder, HypervisorKind.Qemu).Open(), cancellation);
        try
        {
            await pair.StartAsync(folder);
            return pair;
        }
        catch
        {
            await pair.DisposeAsync();
            throw;
        }
    }

    /// <summary>A guest's address.</summary>
    /// <param name="guest">0, the one that sends, or 1.</param>
    /// <param name="way">Where.</param>
    public string Address(int guest, Way way) => way == Way.Switch ? _machines[guest].IPAddress! : $"10.9.{(int)way}.{guest + 1}";

    /// <summary>A guest's MAC address.</summary>
    /// <param name="guest">0, the one that sends, or 1.</param>
    /// <param name="way">Where.</param>
    public string Mac(int guest, Way way) => way == Way.Switch ? _machines[guest].NetworkAdapters[0].MacAddress! : $"52:54:00:00:0{(int)way}:0{guest + 1}";

    /// <summary>The name that a guest knows a card by; they come in the order of the ways.</summary>
    /// <param name="way">Where.</param>
    public static string Card(Way way) => $"eth{(int)way}";

    /// <summary>Types a command on a guest's console.</summary>
    /// <param name="guest">0, the one that sends, or 1.</param>
    /// <param name="command">A line for its shell.</param>
    /// <returns>What it has written.</returns>
    public Task<string> TypeAsync(int guest, string command) => LinuxConsole.TypeAsync(Files(guest).ConsoleSocket, command, Patience, _cancellation);

    public async ValueTask DisposeAsync()
    {
        foreach (var machine in _session.Store.Machines.List())
            await _session.Provider.StopAsync(machine.Machine.Id, new StopOptions { Force = true }, Silence.Instance, CancellationToken.None);
        if (_switch is not null)
        {
            _switch.Kill();
            await _switch.WaitForExitAsync(CancellationToken.None);
            _switch.Dispose();
        }

        _session.Dispose();
    }

    private MachineFiles Files(int guest) => _layout.Machine(_machines[guest].Id);

    private async Task StartAsync(string folder)
    {
        var networks = (IFabricNetworks)_session.Provider;
        var network = networks.AddNetwork(new VirtualNetwork { Name = "bench", Subnet = "10.20.0.0/24", Isolated = true });
        for (var guest = 0; guest < _machines.Length; guest++)
        {
            var image = Path.Combine(folder, $"guest{guest}.raw");
            await LinuxGuest.CreateAsync(image, LinuxGuestKind.Bios, cancellation: _cancellation);
            LinuxGuest.WriteFile(image, "/etc/guest/addresses", string.Concat(Enum.GetValues<Way>().Skip(1).Select(w => $"{Mac(guest, w)} {Address(guest, w)}/24\n")));
            var machine = await _session.Imports.ImportAsync(new ImportRequest { Path = image, Name = $"guest{guest}", Memory = Memory, SkipDigest = true }, Silence.Instance, _cancellation);
            File.Delete(image);
            var stored = _session.Store.Machines.Find(machine.Id)!;
            stored.Machine.NetworkAdapters[0].Model = "virtio-net-pci";
            machine = _session.Store.Machines.Update(stored).Machine;
            _machines[guest] = await networks.JoinAsync(machine.Id, network.Id, new JoinOptions(), Silence.Instance, _cancellation);
        }

        _switch = Process.Start(new ProcessStartInfo(Workshop.Iaas, ["network", "switch", network.Id.ToString(), "--path", _layout.Root, "--hypervisor", "Qemu"]))!;
        foreach (var machine in _machines)
            await _session.Provider.StartAsync(machine.Id, new StartOptions(), Silence.Instance, _cancellation);
        for (var guest = 0; guest < _machines.Length; guest++)
        {
            await WaitForAddressAsync(guest, Way.Switch);
            using var monitor = await BareMonitor.ConnectAsync(Files(guest).CommandMonitor);
            foreach (var way in Enum.GetValues<Way>().Skip(1))
            {
                monitor.Execute($$"""{"execute":"netdev_add","arguments":{{Netdev(guest, way)}}}""");
                monitor.Execute($$$"""{"execute":"device_add","arguments":{"driver":"virtio-net-pci","id":"{{{Id(way)}}}-card","netdev":"{{{Id(way)}}}","mac":"{{{Mac(guest, way)}}}","romfile":""}}""");
                await WaitForAddressAsync(guest, way);
            }

            var processor = monitor.Execute("""{"execute":"query-cpus-fast"}""")[0].GetProperty("thread-id").GetInt32();
            _threads[guest] = new ProcessTimes(MachineNotes.Of(_session.Store.Machines.Find(_machines[guest].Id)!).Process!.Id, processor);
        }
    }

    private static string Id(Way way) => way.ToString().ToLowerInvariant();

    private string Netdev(int guest, Way way)
    {
        // Each in its own machine's folder: in others a confined QEMU makes nothing.
        string Socket(int of) => Path.Combine(Files(of).Run, Id(way));
        return way switch
        {
            // By the loopback's own address it needs neither a route nor root.
            Way.Multicast => $$"""{"type":"socket","id":"{{Id(way)}}","mcast":"230.7.7.7:{{Port}}","localaddr":"127.0.0.1"}""",
            Way.Datagrams or Way.Nowhere => $$$"""{"type":"dgram","id":"{{{Id(way)}}}","local":{"type":"unix","path":"{{{Socket(guest)}}}"},"remote":{"type":"unix","path":"{{{Socket(1 - guest)}}}{{{(way == Way.Nowhere ? "-nobody" : "")}}}"}}""",
            Way.L2tp => $$"""{"type":"l2tpv3","id":"{{Id(way)}}","src":"127.0.0.1","dst":"127.0.0.1","udp":true,"srcport":"{{Port + 1 + guest}}","dstport":"{{Port + 2 - guest}}","txsession":1,"rxsession":1}""",
            _ => $$$"""{"type":"stream","id":"{{{Id(way)}}}","server":{{{(guest == 0 ? "true" : "false")}}},"addr":{"type":"unix","path":"{{{Socket(0)}}}"}}""",
        };
    }

    private async Task WaitForAddressAsync(int guest, Way way)
    {
        var pattern = $"^guest: address {Regex.Escape(Address(guest, way))}\\b";
        var options = new WaitOptions { For = WaitFor.Console, Pattern = new Regex(pattern), Timeout = Patience };
        if (!(await _session.Provider.WaitAsync(_machines[guest].Id, options, Silence.Instance, _cancellation)).Seen)
            throw new InvalidOperationException($"The guest has no address on its card {Card(way)}. See {Files(guest).Console}.");
    }
}
