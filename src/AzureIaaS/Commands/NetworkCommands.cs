using System.Management.Automation;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>A cmdlet over the networks of a context.</summary>
public abstract class NetworkCmdlet : IaaSCmdlet
{
    private protected static INetworkProvider NetworksOf(IaaSSession session) => Ability.Of<INetworkProvider>(session, "networks of its own");

    private protected static VirtualNetwork Mark(VirtualNetwork network, IaaSSession session)
    {
        network.Context = session.Context.Name;
        return network;
    }

    /// <summary>The networks that a name or a pattern means.</summary>
    /// <param name="networks">Where they are.</param>
    /// <param name="name">The name or pattern.</param>
    private protected IReadOnlyList<VirtualNetwork> Find(INetworkProvider networks, string name)
    {
        var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
        var found = Await(networks.ListNetworksAsync).Where(n => pattern.IsMatch(n.Name)).ToList();
        return found.Count > 0 || WildcardPattern.ContainsWildcardCharacters(name) ? found : throw NotFound(name);
    }

    /// <summary>The error for a network that is not there.</summary>
    /// <param name="name">The name that was given.</param>
    internal static IaaSException NotFound(string name) =>
        new(ErrorKind.NotFound, "NetworkNotFound", $"There is no network '{name}'.", "Get-IaaSNetwork shows those there are; New-IaaSNetwork makes one.", name);
}

/// <summary>Get-IaaSNetwork: lists networks with who is on them.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSNetwork")]
[OutputType(typeof(VirtualNetwork))]
public sealed class GetNetworkCommand : NetworkCmdlet
{
    /// <summary>The networks' names, with wildcards; all when left out.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(NetworkCompleter))]
    public string[] Name { get; set; } = ["*"];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var name in Name)
        {
            Try(name, () =>
            {
                var session = Session();
                foreach (var network in Find(NetworksOf(session), name))
                    WriteObject(Mark(network, session));
            });
        }
    }
}

/// <summary>New-IaaSNetwork: makes a network.</summary>
[Cmdlet(VerbsCommon.New, "IaaSNetwork", SupportsShouldProcess = true)]
[OutputType(typeof(VirtualNetwork))]
public sealed class NewNetworkCommand : NetworkCmdlet
{
    /// <summary>The network's name.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = "";

    /// <summary>Its addresses: 10.20.0.0/24.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Subnet { get; set; } = "";

    /// <summary>What the names of its machines end with: corp.contoso.example.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    public string? DnsSuffix { get; set; }

    /// <summary>The servers that other names are asked of; this computer's own when left out.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string[] DnsServer { get; set; } = [];

    /// <summary>No way out: its machines reach each other alone.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public SwitchParameter Isolated { get; set; }

    /// <summary>Networks that it exchanges packets with.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ArgumentCompleter(typeof(NetworkCompleter))]
    public string[] Peer { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(Name, () =>
    {
        var session = Session();
        var network = new VirtualNetwork { Name = Name, Subnet = Subnet, DnsSuffix = DnsSuffix, DnsServers = [.. DnsServer], Isolated = Isolated, Peers = [.. Peer] };
        if (ShouldProcess($"{Name} ({Subnet})", "Make a network"))
            WriteObject(Mark(Await(c => NetworksOf(session).AddNetworkAsync(network, Output, c)), session));
    });
}

/// <summary>Set-IaaSNetwork: says which networks one exchanges packets with.</summary>
[Cmdlet(VerbsCommon.Set, "IaaSNetwork", SupportsShouldProcess = true)]
[OutputType(typeof(VirtualNetwork))]
public sealed class SetNetworkCommand : NetworkCmdlet
{
    /// <summary>The networks' names, with wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(NetworkCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>The networks that it is to exchange packets with, and no others; an empty array for none.</summary>
    [Parameter(Mandatory = true)]
    [AllowEmptyCollection]
    [ArgumentCompleter(typeof(NetworkCompleter))]
    public string[] Peer { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var name in Name)
        {
            Try(name, () =>
            {
                var session = Session();
                foreach (var network in Find(NetworksOf(session), name).Where(n => ShouldProcess(n.Name, Peer.Length == 0 ? "End peering" : $"Peer with {string.Join(", ", Peer)}")))
                    WriteObject(Mark(Await(c => NetworksOf(session).SetPeersAsync(network.Id, Peer, Output, c)), session));
            });
        }
    }
}

/// <summary>Remove-IaaSNetwork: removes networks that no machine is on.</summary>
[Cmdlet(VerbsCommon.Remove, "IaaSNetwork", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveNetworkCommand : NetworkCmdlet
{
    /// <summary>The networks' names, with wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(NetworkCompleter))]
    public string[] Name { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var name in Name)
        {
            Try(name, () =>
            {
                var session = Session();
                foreach (var network in Find(NetworksOf(session), name).Where(n => ShouldProcess(n.Name, "Remove")))
                    Await(async c =>
                    {
                        await NetworksOf(session).RemoveNetworkAsync(network.Id, c);
                        return true;
                    });
            });
        }
    }
}

/// <summary>A cmdlet that puts machines on networks, or takes them off.</summary>
public abstract class NetworkPlaceCmdlet : VmActionCmdlet
{
    /// <summary>The network of a name.</summary>
    /// <param name="session">The session.</param>
    /// <param name="name">The whole name.</param>
    /// <param name="cancellation">Stops it.</param>
    private protected static async Task<VirtualNetwork> FindNetworkAsync(IaaSSession session, string name, CancellationToken cancellation) =>
        await NetworksOf(session).FindNetworkAsync(name, cancellation) ?? throw NetworkCmdlet.NotFound(name);

    private protected static INetworkProvider NetworksOf(IaaSSession session) => Ability.Of<INetworkProvider>(session, "networks of its own");
}

/// <summary>Join-IaaSNetwork: puts machines on a network, running or not.</summary>
[Cmdlet(VerbsCommon.Join, "IaaSNetwork", SupportsShouldProcess = true)]
[OutputType(typeof(VirtualMachine))]
public sealed class JoinNetworkCommand : NetworkPlaceCmdlet
{
    /// <summary>The machines: names with wildcards, ids, machines, or what names one.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true)]
    [Alias("Name", "VMName", "InputObject")]
    [ValidateNotNullOrEmpty]
    [VmReferences]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(VmCompleter))]
    public override VmReference[] Vm { get; set; } = [];

    /// <summary>The network's name.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(NetworkCompleter))]
    public string Network { get; set; } = "";

    /// <summary>The address it is to have; one is chosen when left out.</summary>
    [Parameter]
    [EmptyIsNull]
    public string? IPAddress { get; set; }

    /// <summary>The adapter that joins, such as nic0; the first that is on no network when left out, or a new one.</summary>
    [Parameter]
    [EmptyIsNull]
    public string? Adapter { get; set; }

    /// <summary>The adapter's hardware address; the one it has when left out.</summary>
    [Parameter]
    [EmptyIsNull]
    public string? MacAddress { get; set; }

    /// <summary>In Azure: a public address too, which nothing reaches until it is allowed.</summary>
    [Parameter]
    public SwitchParameter PublicIP { get; set; }

    private protected override string ActionName => $"Join network {Network}";

    private protected override async Task<VirtualMachine?> ActAsync(IaaSSession session, VirtualMachine machine, CancellationToken cancellation) =>
        await NetworksOf(session).JoinAsync(machine.Id, (await FindNetworkAsync(session, Network, cancellation)).Id,
            new JoinOptions { IPAddress = IPAddress, Adapter = Adapter, MacAddress = MacAddress, PublicAddress = PublicIP }, Output, cancellation);
}

/// <summary>Exit-IaaSNetwork: takes machines off networks, running or not.</summary>
[Cmdlet(VerbsCommon.Exit, "IaaSNetwork", SupportsShouldProcess = true)]
[OutputType(typeof(VirtualMachine))]
public sealed class ExitNetworkCommand : NetworkPlaceCmdlet
{
    /// <summary>The network's name; every network it is on when left out.</summary>
    [Parameter(Position = 1)]
    [EmptyIsNull]
    [ArgumentCompleter(typeof(NetworkCompleter))]
    public string? Network { get; set; }

    private protected override string ActionName => Network is null ? "Exit all networks" : $"Exit network {Network}";

    private protected override async Task<VirtualMachine?> ActAsync(IaaSSession session, VirtualMachine machine, CancellationToken cancellation) =>
        await NetworksOf(session).ExitAsync(machine.Id, Network is null ? null : (await FindNetworkAsync(session, Network, cancellation)).Id, Output, cancellation);
}
