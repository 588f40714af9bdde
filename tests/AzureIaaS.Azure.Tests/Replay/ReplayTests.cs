using Azure;
using Azure.Core;
using Azure.ResourceManager.Compute;
using Azure.ResourceManager.Compute.Models;
using Azure.ResourceManager.Resources;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Azure.Networks;
using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Sessions;
using LongRunning = Azure.Operation;

namespace AzureIaaS.Azure.Tests.Replay;

/// <summary>What Azure really answered to others, through our own requests and mapping.</summary>
public class ReplayTests
{
    private const string Vms = "Microsoft.Compute/virtualMachines";
    private const string Disks = "Microsoft.Compute/disks";

    private static readonly string[] Networking = ["Microsoft.Network/virtualNetworks", "Microsoft.Network/networkInterfaces", "Microsoft.Network/networkSecurityGroups", "Microsoft.Network/publicIPAddresses"];

    [SkippableFact]
    public async Task Every_recorded_machine_has_a_state()
    {
        var count = 0;
        foreach (var (exchange, rest) in All().Where(e => e.Exchange is { Method: "GET", Status: 200, Type: Vms, IsResource: true }))
        {
            using var connection = Connection(exchange, rest);
            var id = new ResourceIdentifier(exchange.Path);
            var found = await Operations.FindAsync(() => connection.Client.GetVirtualMachineResource(id).GetAsync(InstanceViewType.InstanceView), "Looking", default);
            var machine = new VirtualMachine();

            AzureMapping.Apply(machine, found!.Data, found.Data.InstanceView);

            Assert.StartsWith("Standard_", machine.Size, StringComparison.OrdinalIgnoreCase);
            var says = found.Data.InstanceView?.Statuses.Any(s => s.Code.StartsWith("PowerState/", StringComparison.Ordinal)) == true || found.Data.ProvisioningState is "Creating" or "Failed" or "Deleting";
            Assert.Equal(says, machine.State != MachineState.Unknown);
            count++;
        }

        Assert.True(count >= 5, $"{count}");
    }

    [SkippableFact]
    public async Task Every_recorded_disk_can_be_a_machines()
    {
        var count = 0;
        foreach (var (exchange, rest) in All().Where(e => e.Exchange is { Method: "GET", Status: 200, Type: Disks, IsResource: true }))
        {
            using var connection = Connection(exchange, rest);
            var disk = (await connection.Client.GetManagedDiskResource(new ResourceIdentifier(exchange.Path)).GetAsync()).Value.Data;
            disk.Tags[AzureNames.NameTag] = "web01";
            disk.Tags[AzureNames.VmTag] = Guid.NewGuid().ToString();

            var machine = AzureMapping.FromDisks([disk], null);

            Assert.True(machine.Disks[0].Length > 0);
            Assert.Equal(exchange.Body.Contains("\"ActiveUpload\"", StringComparison.Ordinal) || exchange.Body.Contains("\"ReadyToUpload\"", StringComparison.Ordinal), ManagedDisks.IsUploading(disk));
            count++;
        }

        Assert.True(count >= 5, $"{count}");
    }

    [SkippableFact]
    public async Task Every_recorded_network_and_interface_is_understood()
    {
        var (networks, adapters) = (0, 0);
        foreach (var (exchange, rest) in All().Where(e => e.Exchange is { Method: "GET", Status: 200, IsResource: true } && Networking.Contains(e.Exchange.Type)))
        {
            using var connection = Connection(exchange, rest);
            var data = (await new NetworkResources(connection).FindAsync(new ResourceIdentifier(exchange.Path), default))!.Data;
            switch (exchange.Type)
            {
                case "Microsoft.Network/virtualNetworks":
                    var network = NetworkMapping.FromAzure(data);
                    Assert.Equal(data.Id.Name, network.Name);
                    Assert.False(NetworkMapping.IsAsMade(data));   // others made it
                    // A network with a subnet has addresses for machines; one that serves a gateway alone has none.
                    Assert.Equal(NetworkMapping.SubnetIdOf(data) is not null, network.Subnet.Length > 0);
                    networks++;
                    break;
                case "Microsoft.Network/networkInterfaces":
                    Assert.Contains("/subnets/", NetworkMapping.PlaceOf(data).Subnet, StringComparison.Ordinal);
                    Assert.True(System.Net.IPAddress.TryParse(NetworkMapping.PlaceOf(data).Address, out _));
                    adapters++;
                    break;
            }
        }

        Assert.True(networks >= 5 && adapters >= 3, $"{networks} {adapters}");
    }

    [SkippableFact]
    public async Task Every_recorded_operation_is_waited_for_to_its_end()
    {
        var count = 0;
        foreach (var (exchange, rest) in All().Where(e => e.Exchange is { Method: "PUT", Status: 200 or 201 or 202, IsResource: true }))
        {
            var follow = exchange.Headers.GetValueOrDefault("Azure-AsyncOperation") ?? exchange.Headers.GetValueOrDefault("Location");
            if (!(Networking.Contains(exchange.Type) || exchange.Type is Vms or Disks) || follow is null || !rest.Any(r => follow.Contains(r.Path, StringComparison.OrdinalIgnoreCase))
                || !rest.Any(r => r is { Method: "GET", Status: 200 } && r.Path.Equals(exchange.Path, StringComparison.OrdinalIgnoreCase)))
            {
                continue;   // the recording ends before the operation did
            }

            using var connection = Connection(exchange, rest);
            var id = new ResourceIdentifier(exchange.Path);
            var operations = new Operations(connection);
            await operations.RunAsync(() => PutAsync(connection, id), "Creating", Quiet.Notices, default);
            count++;
        }

        Assert.True(count >= 15, $"{count}");
    }

    [SkippableFact]
    public async Task Every_recorded_refusal_becomes_a_sentence()
    {
        var count = 0;
        foreach (var (exchange, rest) in All().Where(e => e.Exchange is { Status: >= 400, IsResource: true } && (Networking.Contains(e.Exchange.Type) || e.Exchange.Type is Vms or Disks) && e.Exchange.Body.Contains("\"error\"", StringComparison.Ordinal)))
        {
            using var connection = Connection(exchange, rest);
            var id = new ResourceIdentifier(exchange.Path);
            var e = await Assert.ThrowsAsync<IaaSException>(() => new Operations(connection).RunAsync(() => PutAsync(connection, id), "Creating it", Quiet.Notices, default));

            Assert.StartsWith("Creating it: ", e.Message, StringComparison.Ordinal);
            Assert.NotEmpty(e.Remedy);
            Assert.DoesNotContain("\n", e.Message, StringComparison.Ordinal);
            Assert.NotEqual("AzureFailed", e.ErrorId);   // it had a code of its own
            count++;
        }

        Assert.True(count >= 5, $"{count}");
    }

    private static IEnumerable<(Recorded Exchange, IReadOnlyList<Recorded> Later)> All()
    {
        foreach (var file in Directory.EnumerateFiles(Path.Combine(SharedAzure.Needed, "recordings"), "*.json"))
        {
            var all = System.Text.Json.Nodes.JsonNode.Parse(File.ReadAllText(file))!["exchanges"]!.AsArray().Select(e => Recorded.Of(e!)).ToList();
            for (var i = 0; i < all.Count; i++)
                yield return (all[i], all[(i + 1)..]);
        }
    }

    /// <summary>Puts a resource by the client that we put its type with.</summary>
    private static async Task<LongRunning> PutAsync(ArmConnection connection, ResourceIdentifier id)
    {
        var group = connection.Client.GetResourceGroupResource(id.Parent!);
        return id.ResourceType.ToString() switch
        {
            Vms => await group.GetVirtualMachines().CreateOrUpdateAsync(WaitUntil.Started, id.Name, new VirtualMachineData(AzureLocation.WestEurope)),
            Disks => await group.GetManagedDisks().CreateOrUpdateAsync(WaitUntil.Started, id.Name, new ManagedDiskData(AzureLocation.WestEurope)),
            _ => await connection.Client.GetGenericResources().CreateOrUpdateAsync(WaitUntil.Started, id, new GenericResourceData(AzureLocation.WestEurope)),
        };
    }

    private static ArmConnection Connection(Recorded exchange, IReadOnlyList<Recorded> rest)
    {
        var scope = new AzureScope { Subscription = TestAzure.Subscription, ResourceGroup = "farm", Location = "westeurope" };
        return new ArmConnection(scope, new StaticToken(), new FastTime(), new RecordedHandler(exchange, rest), TimeSpan.FromMilliseconds(1));
    }

    private sealed class StaticToken : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) => new("t", DateTimeOffset.MaxValue);

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) => new(GetToken(requestContext, cancellationToken));
    }
}
