using AzureIaaS.Networks;
using AzureIaaS.Providers;
using AzureIaaS.Store;
using Microsoft.Data.Sqlite;

namespace AzureIaaS.Local.Tests.Store;

public sealed class NetworkStoreTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("azureiaas-").FullName;
    private readonly List<IStateStore> _open = [];

    public void Dispose()
    {
        _open.ForEach(s => s.Dispose());
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void ANetworkComesBackAsItWasWrittenAndItsNameIsItsOwn()
    {
        var store = Open();
        var network = Add(store, "corp", "10.20.0.0/24");
        var read = Open().Networks.Find("CORP")!;
        Assert.Equal((network.Id, "10.20.0.0/24", "10.20.0.1"), (read.Id, read.Subnet, read.GatewayAddress));
        Assert.Equal("NetworkNameTaken", Assert.Throws<IaaSException>(() => Add(store, "Corp", "10.21.0.0/24")).ErrorId);
        store.Networks.Add(network);
    }

    [Fact]
    public void AddressesAreGivenInOrderAndStayUntilTheMachineLeaves()
    {
        var store = Open();
        var network = Add(store, "corp", "10.20.0.0/29");
        var vms = Enumerable.Range(0, 3).Select(_ => Guid.NewGuid()).ToList();
        Assert.Equal(["10.20.0.4", "10.20.0.5", "10.20.0.6"], vms.Select(v => Join(store, network, v, "web").Address));
        Assert.Equal(["web", "web-2", "web-3"], store.Networks.Members(network.Id).Select(m => m.HostName));
        Assert.Equal("10.20.0.5", Join(Open(), network, vms[1], "web").Address);
        Assert.Equal("NoAddressFree", Assert.Throws<IaaSException>(() => Join(store, network, Guid.NewGuid(), "web")).ErrorId);
        store.Networks.Exit(vms[0], null);
        Assert.Equal("10.20.0.4", Join(store, network, Guid.NewGuid(), "db").Address);
    }

    [Fact]
    public void AnAddressOrHardwareAddressIsNeverAnothersToo()
    {
        var store = Open();
        var network = Add(store, "corp", "10.20.0.0/24");
        var one = Join(store, network, Guid.NewGuid(), "web", "10.20.0.40");
        Assert.Equal("AddressTaken", Assert.Throws<IaaSException>(() => Join(store, network, Guid.NewGuid(), "db", "10.20.0.40")).ErrorId);
        var copy = one with { Vm = Guid.NewGuid(), Address = "" };
        Assert.Equal("MacAddressTaken", Assert.Throws<IaaSException>(() => store.Networks.Join(copy, "db")).ErrorId);
    }

    [Fact]
    public void AMachineOfTwoAdaptersHasOneName()
    {
        var store = Open();
        var network = Add(store, "corp", "10.20.0.0/24");
        var vm = Guid.NewGuid();
        var first = Join(store, network, vm, "web");
        var second = store.Networks.Join(first with { Adapter = "nic1", MacAddress = "52:54:00:00:00:99", Address = "", HostName = "" }, "web");
        Assert.Equal(first.HostName, second.HostName);
        Assert.NotEqual(first.Address, second.Address);
        Assert.Equal(["nic0", "nic1"], store.Networks.PlacesOf(vm).Select(p => p.Adapter));
    }

    [Fact]
    public void ANetworkWithMachinesIsNotRemovedAndAMachineThatIsTakesItsPlacesAlong()
    {
        var store = Open();
        var network = Add(store, "corp", "10.20.0.0/24");
        var machine = new VirtualMachine { Id = Guid.NewGuid(), Name = "web", State = MachineState.Deallocated };
        store.Machines.Add(machine, "{}");
        Join(store, network, machine.Id, "web");
        Assert.Equal("NetworkInUse", Assert.Throws<IaaSException>(() => store.Networks.Remove(network.Id)).ErrorId);
        store.Machines.Remove(machine.Id);
        Assert.Empty(store.Networks.Members(network.Id));
        store.Networks.Remove(network.Id);
        store.Networks.Remove(network.Id);
        Assert.Empty(store.Networks.List());
    }

    [Fact]
    public async Task ManyWhoJoinAtOnceGetAddressesOfTheirOwn()
    {
        var network = Add(Open(), "corp", "10.20.0.0/24");
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() =>
        {
            using var store = new StoreAdapter().Open(_folder, durable: true);
            for (var i = 0; i < 20; i++)
                Join(store, network, Guid.NewGuid(), "web");
        })));
        var members = Open().Networks.Members(network.Id);
        Assert.Equal((160, 160, 160), (members.Count, members.Select(m => m.Address).Distinct().Count(), members.Select(m => m.HostName).Distinct().Count()));
    }

    [Fact]
    public void AStateOfTheVersionBeforeNetworksIsBroughtUpToDate()
    {
        var store = Open();
        var machine = new VirtualMachine { Id = Guid.NewGuid(), Name = "old", State = MachineState.Deallocated, NetworkAdapters = [new NetworkAdapter { Name = "nic0", MacAddress = "52:54:00:00:00:01" }] };
        store.Machines.Add(machine, "{}");
        store.Dispose();
        _open.Clear();
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(_folder, StoreAdapter.DatabaseName)};Pooling=False"))
        {
            connection.Open();
            using var command = connection.CreateCommand();
            command.CommandText = "DROP TABLE networks; DROP TABLE network_members; DROP TABLE sites; PRAGMA user_version = 4";
            command.ExecuteNonQuery();
        }

        var now = Open();
        Assert.Equal("52:54:00:00:00:01", now.Machines.Find("old")!.Machine.NetworkAdapters[0].MacAddress);
        Join(now, Add(now, "corp", "10.20.0.0/24"), machine.Id, "old");
    }

    private IStateStore Open()
    {
        var store = new StoreAdapter().Open(_folder, durable: true);
        _open.Add(store);
        return store;
    }

    private static VirtualNetwork Add(IStateStore store, string name, string subnet)
    {
        var network = new VirtualNetwork { Id = Guid.NewGuid(), Name = name, Subnet = subnet, GatewayAddress = new AddressPool(subnet).Gateway.ToString() };
        store.Networks.Add(network);
        return network;
    }

    private static NetworkMember Join(IStateStore store, VirtualNetwork network, Guid vm, string name, string address = "")
    {
        var member = new NetworkMember { Network = network.Id, Vm = vm, Adapter = "nic0", MacAddress = MacAddress.Choose(null, vm, 0, _ => false), Address = address };
        return store.Networks.Join(member, name);
    }
}
