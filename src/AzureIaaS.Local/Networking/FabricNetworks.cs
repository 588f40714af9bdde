using System.Net;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Networking.Shell;
using AzureIaaS.Networks;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Networking;

/// <summary>The networks of a fabric: what may be made of them and who is on them.</summary>
internal sealed class FabricNetworks(LocalServices services) : IFabricNetworks
{
    private const int MostAdapters = 8;
    private const int MostDnsServers = 3;

    private INetworkStore Store => services.Store.Networks;

    public IReadOnlyList<VirtualNetwork> ListNetworks() => [.. Store.List().Where(n => n.RehearsalOf is null).Select(Fill)];

    public VirtualNetwork AddNetwork(VirtualNetwork network)
    {
        if (MachineName.Problem(network.Name) is { } problem)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidNetworkName", $"A network cannot be called '{network.Name}': {problem}.",
                "Give another name with -Name.", network.Name);
        }

        var pool = new AddressPool(network.Subnet);
        if (network.DnsServers.Count > MostDnsServers || network.DnsServers.FirstOrDefault(s => !IPAddress.TryParse(s, out _)) is not null)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidDnsServer", $"'{string.Join(", ", network.DnsServers)}' are no DNS servers' addresses.",
                $"Give up to {MostDnsServers} addresses with -DnsServer, or none to ask this computer's own.", network.Name);
        }

        var peers = network.Peers;
        network.Id = network.Id == Guid.Empty ? Guid.NewGuid() : network.Id;
        (network.GatewayAddress, network.Created, network.Peers) = (pool.Gateway.ToString(), services.Time.GetUtcNow(), []);
        network.DnsSuffix = network.DnsSuffix is { Length: > 0 } suffix ? DnsName.CheckSuffix(suffix) : null;
        CheckPeers(network, peers);
        Store.Add(network);
        return peers.Count > 0 ? SetPeers(network.Id, [.. peers]) : Fill(network);
    }

    public VirtualNetwork SetPeers(Guid network, IReadOnlyList<string> peers)
    {
        var own = Find(network);
        var others = CheckPeers(own, peers);
        own.Peers = [.. others.Select(o => o.Name)];
        Store.Update(own);
        foreach (var other in Store.List().Where(n => n.Id != network && n.RehearsalOf is null))
        {
            var isPeer = others.Any(o => o.Id == other.Id);
            if (isPeer == other.Peers.Contains(own.Name))
                continue;
            other.Peers = isPeer ? [.. other.Peers, own.Name] : [.. other.Peers.Where(p => p != own.Name)];
            Store.Update(other);
        }

        return Fill(own);
    }

    public async Task RemoveNetworkAsync(Guid network, CancellationToken cancellation)
    {
        if (Store.Find(network) is null)
            return;
        SetPeers(network, []);
        Store.Remove(network);
        using var switchEnded = await services.Store.Locks.AcquireAsync(SwitchHost.LockName(network), TimeSpan.FromSeconds(10), cancellation);
        File.Delete(services.Layout.Network(network).Log);
    }

    public async Task<VirtualMachine> JoinAsync(Guid vm, Guid network, JoinOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (options.PublicAddress)
        {
            throw new IaaSException(ErrorKind.NotSupported, "NoPublicAddress", "Machines of this computer's fabric have no public addresses.",
                "Leave -PublicIP out; Start-IaaSVm -PublishPort makes a port of the machine reachable at this computer.", vm);
        }

        using var owned = await services.Keeper.OwnAsync(vm, cancellation);
        var (machine, target) = (owned.Machine, Find(network));
        if (machine.NetworkAdapters.FirstOrDefault(a => a.NetworkId == network && (options.Adapter is null || a.Name == options.Adapter)) is { } there
            && (options.IPAddress is null || options.IPAddress == there.IPAddress))
        {
            notices.Report(Notice.Verbose($"{machine.Name} is on {target.Name} already."));
            return machine;
        }

        MachineRunner.MustDo(machine, MachineRequest.Join, notices);
        var runs = machine.State == MachineState.Running;
        var (adapter, isNew) = AdapterFor(machine, network, options);
        TakeMac(machine, adapter, network, options, canChange: !runs || isNew, notices);
        var address = options.IPAddress ?? (runs ? null : GuestAddresses.Choose(machine, target, Store.Members(network), notices, cancellation));
        var place = Store.Join(
            new NetworkMember { Network = network, Vm = vm, Adapter = adapter.Name, MacAddress = adapter.MacAddress, Address = address ?? "" }, machine.Name);
        try
        {
            if (runs && isNew)
                await services.Hypervisor.AttachAdapterAsync(owned.Files, adapter, cancellation);
            if (isNew)
                machine.NetworkAdapters.Add(adapter);
            (adapter.Network, adapter.NetworkId, adapter.IPAddress) = (target.Name, network, place.Address);
            ShowPlaces(machine);
            owned.Write(owned.Notes);
        }
        catch
        {
            Store.Exit(vm, adapter.Name);
            throw;
        }

        if (runs)
            await ReplugAsync(owned, adapter, notices, cancellation);
        return machine;
    }

    public async Task<VirtualMachine> ExitAsync(Guid vm, Guid? network, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(vm, cancellation);
        var machine = owned.Machine;
        var leaving = machine.NetworkAdapters.Where(a => a.NetworkId is not null && (network is null || a.NetworkId == network)).ToList();
        if (leaving.Count == 0)
        {
            notices.Report(Notice.Verbose($"{machine.Name} is not on {(network is null ? "any network" : "that network")}."));
            return machine;
        }

        MachineRunner.MustDo(machine, MachineRequest.Join, notices);
        var left = leaving.Select(a => (Adapter: a, Network: a.NetworkId!.Value)).ToList();
        foreach (var adapter in leaving)
            (adapter.Network, adapter.NetworkId, adapter.IPAddress) = (null, null, null);
        ShowPlaces(machine);
        owned.Write(owned.Notes);
        foreach (var (adapter, from) in left)
        {
            Store.Exit(vm, adapter.Name);
            await services.Networks.SyncAsync(from, notices, cancellation);
        }

        foreach (var (adapter, _) in left.Where(_ => machine.State == MachineState.Running))
            await services.Hypervisor.ReplugAsync(owned.Files, adapter, cancellation);
        return machine;
    }

    public async Task<bool> RunSwitchAsync(Guid network, bool stay, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var host = new SwitchHost(services, network, notices);
        return await host.RunAsync(stay, cancellation);
    }

    public async Task<int> RunShellAsync(Guid network, IReadOnlyList<string> command, IProgress<Notice> notices, CancellationToken cancellation)
    {
        NetworkShell.Check();
        var found = Find(network);
        using var place = await ShellPlace.TakeAsync(services.Networks, found, notices, cancellation);
        using var shell = new NetworkShell(found, place);
        return await shell.RunAsync(command, cancellation);
    }

    /// <summary>Writes down which ports of a machine are to be reached at this computer.</summary>
    /// <param name="vm">The machine's id.</param>
    /// <param name="ports">The ports; none to publish none.</param>
    /// <param name="cancellation">Stops waiting for the machine.</param>
    public async Task PublishAsync(Guid vm, IReadOnlyList<PublishedPort> ports, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(vm, cancellation);
        var machine = owned.Machine;
        if (ports.Count > 0 && machine.IPAddress is null)
        {
            throw new IaaSException(ErrorKind.InvalidState, "VmOnNoNetwork", $"{machine.Name} is on no network, so its ports cannot be published.",
                "Put it on one with Join-IaaSNetwork, then publish them.", machine.Name);
        }

        var before = machine.PublishedPorts.Select(p => p.ToString()).ToHashSet();
        var others = services.Store.Machines.List().Where(m => m.Machine.Id != vm).SelectMany(m => m.Machine.PublishedPorts.Select(p => (m.Machine.Name, Port: p))).ToList();
        foreach (var port in ports.Where(p => !before.Contains(p.ToString())))
        {
            if (others.Find(o => o.Port.HostPort == port.HostPort && o.Port.HostAddress == port.HostAddress && o.Port.Udp == port.Udp) is { Name: { } name })
                throw new IaaSException(ErrorKind.AlreadyExists, "PortNotFree", $"{port.HostAddress}:{port.HostPort} leads to {name} already.", "Publish at another port.", port.ToString());
            NetworkKeeper.CheckFree(port);
        }

        machine.PublishedPorts = [.. ports];
        machine.Endpoint = ports is [var first, ..] ? $"{first.HostAddress}:{first.HostPort}" : null;
        owned.Write(owned.Notes);
    }

    /// <summary>Fills in where a machine is reached: by its first adapter that is on a network.</summary>
    private void ShowPlaces(VirtualMachine machine)
    {
        var first = machine.NetworkAdapters.FirstOrDefault(a => a.NetworkId is not null);
        machine.IPAddress = first?.IPAddress;
        var label = first is null ? null : Store.PlacesOf(machine.Id).FirstOrDefault(p => p.Adapter == first.Name)?.HostName;
        var suffix = first is null ? null : Store.Find(first.NetworkId!.Value)?.DnsSuffix;
        machine.ComputerName = label is null ? null : suffix is null ? label : $"{label}.{suffix}";
        if (first is null)
            (machine.PublishedPorts, machine.Endpoint) = ([], null);
    }

    private async Task ReplugAsync(OwnedMachine owned, NetworkAdapter adapter, IProgress<Notice> notices, CancellationToken cancellation)
    {
        await services.Networks.SyncAsync(owned.Machine, notices, cancellation);
        await services.Hypervisor.ReplugAsync(owned.Files, adapter, cancellation);
    }

    private static (NetworkAdapter Adapter, bool IsNew) AdapterFor(VirtualMachine machine, Guid network, JoinOptions options)
    {
        if (options.Adapter is { } name)
        {
            var named = machine.NetworkAdapters.FirstOrDefault(a => a.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
                ?? throw new IaaSException(ErrorKind.NotFound, "AdapterNotFound", $"{machine.Name} has no adapter '{name}'.", $"It has {string.Join(", ", machine.NetworkAdapters)}.", name);
            if (named.NetworkId is { } other && other != network)
            {
                throw new IaaSException(ErrorKind.InvalidState, "AdapterInUse", $"{named.Name} of {machine.Name} is on network '{named.Network}'.",
                    "Exit-IaaSNetwork takes it off; without -Adapter the machine gets another one.", named.Name);
            }

            return (named, false);
        }

        // Another address on the same network is another address of the same adapter.
        if (machine.NetworkAdapters.FirstOrDefault(a => a.NetworkId == network) is { } same)
            return (same, false);
        if (machine.NetworkAdapters.FirstOrDefault(a => a.NetworkId is null) is { } free)
            return (free, false);
        if (machine.NetworkAdapters.Count >= MostAdapters)
            throw new IaaSException(ErrorKind.InvalidState, "TooManyAdapters", $"{machine.Name} has {MostAdapters} adapters already.", "Take it off a network that it does not need with Exit-IaaSNetwork.", machine.Name);
        var next = Enumerable.Range(0, MostAdapters).Select(i => $"nic{i}").First(n => machine.NetworkAdapters.All(a => a.Name != n));
        return (new NetworkAdapter { Name = next, Model = machine.NetworkAdapters.Count > 0 ? machine.NetworkAdapters[0].Model : "e1000" }, true);
    }

    /// <summary>An adapter keeps its hardware address; only where another machine on the network has the same one, it gets a new one.</summary>
    private void TakeMac(VirtualMachine machine, NetworkAdapter adapter, Guid network, JoinOptions options, bool canChange, IProgress<Notice> notices)
    {
        if (options.MacAddress is { } wanted)
        {
            var mac = MacAddress.Normalize(wanted)
                ?? throw new IaaSException(ErrorKind.InvalidArgument, "InvalidMacAddress", $"'{wanted}' is no adapter's hardware address.", "Give one such as 52:54:00:12:34:56.", wanted);
            if (mac != adapter.MacAddress && !canChange)
                throw new IaaSException(ErrorKind.InvalidState, "VmStateForbids", $"{machine.Name} is running, and its adapter's hardware address cannot change under it.", "Stop-IaaSVm first.", machine.Name);
            adapter.MacAddress = mac;
            return;
        }

        var members = Store.Members(network);
        bool IsTaken(string mac) => members.Any(m => m.MacAddress == mac && m.Vm != machine.Id) || machine.NetworkAdapters.Any(a => a != adapter && a.MacAddress == mac);
        var index = machine.NetworkAdapters.IndexOf(adapter) is >= 0 and var at ? at : machine.NetworkAdapters.Count;
        var chosen = MacAddress.Choose(adapter.MacAddress, machine.Id, index, IsTaken);
        if (adapter.MacAddress.Length > 0 && chosen != adapter.MacAddress)
        {
            if (!canChange)
                throw new IaaSException(ErrorKind.AlreadyExists, "MacAddressTaken", $"Another machine on the network has {machine.Name}'s hardware address {adapter.MacAddress}.", "Stop it first; then it gets another one.", machine.Name);
            notices.Report(Notice.Warning($"{machine.Name}: another machine on the network has its hardware address {adapter.MacAddress}; it gets {chosen}."));
        }

        adapter.MacAddress = chosen;
    }

    private List<VirtualNetwork> CheckPeers(VirtualNetwork network, IEnumerable<string> peers)
    {
        var found = new List<VirtualNetwork>();
        foreach (var name in peers.Distinct(StringComparer.OrdinalIgnoreCase))
        {
            var peer = Store.Find(name) ?? throw NotFound(name);
            if (peer.Id == network.Id || AddressPool.Overlap(peer.ToIPNetwork(), IPNetwork.Parse(network.Subnet)))
            {
                throw new IaaSException(ErrorKind.InvalidArgument, "PeersOverlap", $"Network '{network.Name}' ({network.Subnet}) and '{peer.Name}' ({peer.Subnet}) have addresses in common.",
                    "Peers need subnets of their own.", name);
            }

            found.Add(peer);
        }

        return found;
    }

    private VirtualNetwork Find(Guid id) => Store.Find(id) ?? throw NotFound(id.ToString());

    private static IaaSException NotFound(string network) =>
        new(ErrorKind.NotFound, "NetworkNotFound", $"There is no network '{network}'.", "Get-IaaSNetwork shows those there are; New-IaaSNetwork makes one.", network);

    private VirtualNetwork Fill(VirtualNetwork network)
    {
        var members = Store.Members(network.Id);
        network.Machines = [.. members.Select(m => services.Store.Machines.Find(m.Vm)?.Machine.Name).OfType<string>().Distinct()];
        network.FreeAddresses = new AddressPool(network.Subnet).Size - members.Count;
        network.ProcessId = services.Networks.Runs(network.Id)
            && services.Store.Locks.DescribeHolder(SwitchHost.LockName(network.Id)) is { } holder && int.TryParse(holder.Split(' ')[^1], System.Globalization.CultureInfo.InvariantCulture, out var process) ? process : null;
        return network;
    }
}
