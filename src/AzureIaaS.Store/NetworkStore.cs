using System.Globalization;
using System.Net;
using System.Text.Json;
using AzureIaaS.Networks;
using Microsoft.Data.Sqlite;

namespace AzureIaaS.Store;

/// <summary>The networks' tables.</summary>
internal sealed class NetworkStore(StateDatabase database) : INetworkStore
{
    private const string Columns = "SELECT network, address, vm, adapter, mac, host_name, leased FROM network_members";

    public IReadOnlyList<VirtualNetwork> List() => database.Query("SELECT body FROM networks ORDER BY name", r => Read(r.GetString(0)));

    public VirtualNetwork? Find(Guid id) => database.Query("SELECT body FROM networks WHERE id = $0", r => Read(r.GetString(0)), Key(id)).FirstOrDefault();

    public VirtualNetwork? Find(string name) => database.Query("SELECT body FROM networks WHERE name = $0", r => Read(r.GetString(0)), name).FirstOrDefault();

    public void Add(VirtualNetwork network) => database.Write(t =>
    {
        if (t.Query("SELECT 1 FROM networks WHERE id = $0", _ => 1, Key(network.Id)).Count > 0)
            return 0;
        return t.Execute("INSERT INTO networks VALUES ($0, $1, $2) ON CONFLICT DO NOTHING", Key(network.Id), network.Name, Write(network)) == 1 ? 1
            : throw new IaaSException(ErrorKind.AlreadyExists, "NetworkNameTaken", $"There is a network called '{network.Name}' already.",
                "Give the new one another name; Get-IaaSNetwork shows those there are.", network.Name);
    });

    public void Update(VirtualNetwork network) => database.Write(t =>
        t.Execute("UPDATE networks SET body = $0 WHERE id = $1", Write(network), Key(network.Id)));

    public void Remove(Guid id) => database.Write(t =>
    {
        if (t.Query("SELECT 1 FROM network_members WHERE network = $0 LIMIT 1", _ => 1, Key(id)).Count > 0)
        {
            throw new IaaSException(ErrorKind.InvalidState, "NetworkInUse", "Machines are on the network.",
                "Take them off it with Exit-IaaSNetwork first; Get-IaaSNetwork shows which they are.", id);
        }

        if (t.Query("SELECT name FROM sites WHERE network = $0 LIMIT 1", r => r.GetString(0), Key(id)) is [var site])
        {
            throw new IaaSException(ErrorKind.InvalidState, "NetworkInUse", $"Site '{site}' is joined to the network.",
                "Remove it with Remove-IaaSSite first; Get-IaaSSite shows which there are.", id);
        }

        return t.Execute("DELETE FROM networks WHERE id = $0", Key(id));
    });

    public IReadOnlyList<NetworkMember> Members(Guid network) =>
        [.. database.Query(Columns + " WHERE network = $0", ReadMember, Key(network)).OrderBy(m => AddressPool.ToNumber(IPAddress.Parse(m.Address)))];

    public IReadOnlyList<NetworkMember> PlacesOf(Guid vm) => database.Query(Columns + " WHERE vm = $0 ORDER BY adapter", ReadMember, Key(vm));

    public NetworkMember Join(NetworkMember member, string vmName) => database.Write(t =>
    {
        var network = t.Query("SELECT body FROM networks WHERE id = $0", r => Read(r.GetString(0)), Key(member.Network)).FirstOrDefault()
            ?? throw new IaaSException(ErrorKind.NotFound, "NetworkNotFound", "The network is not there any more.", "Get-IaaSNetwork shows those there are.", member.Network);
        var there = t.Query(Columns + " WHERE vm = $0 AND adapter = $1", ReadMember, Key(member.Vm), member.Adapter).FirstOrDefault();
        if (there is not null && there.Network == member.Network && (member.Address.Length == 0 || member.Address == there.Address))
            return there;
        t.Execute("DELETE FROM network_members WHERE vm = $0 AND adapter = $1", Key(member.Vm), member.Adapter);
        var others = t.Query(Columns + " WHERE network = $0", ReadMember, Key(member.Network));
        CheckMac(network, member, others);
        var joined = member with
        {
            Address = AddressFor(network, member, others),
            HostName = member.HostName.Length > 0 ? member.HostName : NameFor(vmName, member, others),
        };
        t.Execute("INSERT INTO network_members VALUES ($0, $1, $2, $3, $4, $5, NULL)",
            Key(joined.Network), joined.Address, Key(joined.Vm), joined.Adapter, joined.MacAddress, joined.HostName);
        return joined;
    });

    public void Exit(Guid vm, string? adapter) => database.Write(t => adapter is null
        ? t.Execute("DELETE FROM network_members WHERE vm = $0", Key(vm))
        : t.Execute("DELETE FROM network_members WHERE vm = $0 AND adapter = $1", Key(vm), adapter));

    public void NoteLease(NetworkMember member, DateTimeOffset time) => database.Write(t => t.Execute(
        "UPDATE network_members SET leased = $0 WHERE network = $1 AND address = $2", time.ToString("O", CultureInfo.InvariantCulture), Key(member.Network), member.Address));

    private static string AddressFor(VirtualNetwork network, NetworkMember member, List<NetworkMember> others)
    {
        var pool = new AddressPool(network.Subnet);
        var taken = others.ToDictionary(m => m.Address);
        if (member.Address.Length == 0)
        {
            return pool.Next(a => taken.ContainsKey(a.ToString()))?.ToString()
                ?? throw new IaaSException(ErrorKind.NoCapacity, "NoAddressFree", $"All {pool.Size} addresses of network '{network.Name}' ({network.Subnet}) are taken.",
                    "Take machines off it with Exit-IaaSNetwork, or make a larger network.", network.Name);
        }

        var wanted = pool.Check(member.Address).ToString();
        if (taken.TryGetValue(wanted, out var owner))
        {
            throw new IaaSException(ErrorKind.AlreadyExists, "AddressTaken", $"{wanted} belongs to '{owner.HostName}' on network '{network.Name}'.",
                "Give another address with -IPAddress, or none to have one chosen.", wanted);
        }

        return wanted;
    }

    private static void CheckMac(VirtualNetwork network, NetworkMember member, List<NetworkMember> others)
    {
        if (others.Find(m => m.MacAddress == member.MacAddress) is { } other)
        {
            throw new IaaSException(ErrorKind.AlreadyExists, "MacAddressTaken", $"'{other.HostName}' on network '{network.Name}' has the hardware address {member.MacAddress} already.",
                "Give this machine's adapter another one with -MacAddress.", member.MacAddress);
        }
    }

    /// <summary>A machine goes by one name, however many adapters it has on the network.</summary>
    private static string NameFor(string vmName, NetworkMember member, List<NetworkMember> others) =>
        others.Find(m => m.Vm == member.Vm)?.HostName ?? DnsName.LabelOf(vmName, l => l == "gateway" || others.Exists(m => m.HostName == l));

    private static string Key(Guid id) => MachineStore.Key(id);

    private static string Write(VirtualNetwork network) => JsonSerializer.Serialize(network, CoreJson.Default.VirtualNetwork);

    private static VirtualNetwork Read(string body) => JsonSerializer.Deserialize(body, CoreJson.Default.VirtualNetwork)!;

    private static NetworkMember ReadMember(SqliteDataReader row) => new()
    {
        Network = Guid.Parse(row.GetString(0)),
        Address = row.GetString(1),
        Vm = Guid.Parse(row.GetString(2)),
        Adapter = row.GetString(3),
        MacAddress = row.GetString(4),
        HostName = row.GetString(5),
        Leased = row.IsDBNull(6) ? null : DateTimeOffset.Parse(row.GetString(6), CultureInfo.InvariantCulture),
    };
}
