using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Exports;
using AzureIaaS.Failover;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Tests.Arm;

/// <summary>The least role in docs/azure.md has every action that is used, and no other.</summary>
public sealed partial class RoleTests
{
    // What Azure asks for when one resource names another, by the resource that is named.
    private static readonly (Func<string, bool> In, string Names, string Action)[] Linked =
    [
        (t => t.EndsWith("virtualMachines", StringComparison.Ordinal), "/networkInterfaces/", "Microsoft.Network/networkInterfaces/join/action"),
        (t => t.EndsWith("networkInterfaces", StringComparison.Ordinal), "/subnets/", "Microsoft.Network/virtualNetworks/subnets/join/action"),
        (t => t.EndsWith("networkInterfaces", StringComparison.Ordinal), "/publicIPAddresses/", "Microsoft.Network/publicIPAddresses/join/action"),
        (t => t.EndsWith("virtualNetworkGateways", StringComparison.Ordinal), "/subnets/", "Microsoft.Network/virtualNetworks/subnets/join/action"),
        (t => t.EndsWith("virtualNetworkGateways", StringComparison.Ordinal), "/publicIPAddresses/", "Microsoft.Network/publicIPAddresses/join/action"),
        (t => t.EndsWith("virtualNetworkLinks", StringComparison.Ordinal), "/virtualNetworks/", "Microsoft.Network/virtualNetworks/join/action"),
        (t => t.EndsWith("virtualNetworks", StringComparison.Ordinal), "/networkSecurityGroups/", "Microsoft.Network/networkSecurityGroups/join/action"),
        (t => t.EndsWith("virtualNetworks", StringComparison.Ordinal), "remoteVirtualNetwork", "Microsoft.Network/virtualNetworks/peer/action"),
        (t => t.EndsWith("virtualNetworks", StringComparison.Ordinal), "remoteVirtualNetwork", "Microsoft.Network/virtualNetworks/virtualNetworkPeerings/write"),
    ];

    [Fact]
    public async Task The_documented_role_is_what_is_used()
    {
        var seen = new SortedSet<string>(StringComparer.OrdinalIgnoreCase);
        using var azure = new TestAzure();
        azure.Arm.HasAgent = true;
        azure.Arm.Intercept = r =>
        {
            lock (seen)
                seen.UnionWith(ActionsOf(r));
            return null;
        };

        await DoEverythingAsync(azure);

        Assert.Equal(Documented(), seen);
    }

    private static async Task DoEverythingAsync(TestAzure azure)
    {
        var (provider, networks, checkpoints) = (azure.Provider, (INetworkProvider)azure.Provider, (ICheckpointProvider)azure.Provider);
        await ((IConnectable)provider).ConnectAsync(azure, default);
        var machine = await azure.ImportAsync(azure.Image("web01.img", 32 << 20, (0, 64)), r => r with { AvailabilitySet = "sp-web" });
        var corp = await networks.AddNetworkAsync(new VirtualNetwork { Name = "corp", Subnet = "10.20.0.0/24", DnsSuffix = "corp.contoso.example" }, azure, default);
        var lab = await networks.AddNetworkAsync(new VirtualNetwork { Name = "lab", Subnet = "10.21.0.0/24", Peers = ["corp"] }, azure, default);
        await networks.JoinAsync(machine.Id, corp.Id, new JoinOptions { PublicAddress = true }, azure, default);
        await provider.StartAsync(machine.Id, new StartOptions { Publish = [PublishedPort.Parse("443")], PublishFrom = ["198.51.100.0/24"] }, azure, default);
        await ((IGuestProvider)provider).RunCommandAsync(machine.Id, "/bin/true", [], TimeSpan.FromMinutes(1), default);
        await ((IMachineEditor)provider).AddDiskAsync(machine.Id, 1 << 30, DiskController.Unknown, default);
        await ((IMachineEditor)provider).RemoveDiskAsync(machine.Id, "disk1", false, default);
        await foreach (var _ in provider.ReadConsoleAsync(machine.Id, null, false, default))
        {
        }

        await ((IFailoverProvider)provider).FailOverAsync(machine.Id, new FailoverOptions { Kind = FailoverKind.Planned }, azure, default);
        await ((IFailoverProvider)provider).FailOverAsync(machine.Id, new FailoverOptions { Kind = FailoverKind.Test }, azure, default);
        var kept = await checkpoints.CreateCheckpointAsync(machine.Id, "kept", false, azure, default);
        await provider.RestartAsync(machine.Id, new StopOptions(), azure, default);
        await provider.StopAsync(machine.Id, new StopOptions { StayProvisioned = true }, azure, default);
        await provider.StartAsync(machine.Id, new StartOptions(), azure, default);
        await provider.StopAsync(machine.Id, new StopOptions(), azure, default);
        await ((IMachineEditor)provider).ChangeAsync(machine.Id, new MachineChange { Size = "Standard_D2s_v5" }, default);
        await checkpoints.RestoreCheckpointAsync(machine.Id, kept.Id, azure, default);
        var lender = (IDiskLender)provider;
        await lender.LendDisksAsync(machine.Id, lent => MachineExport.RunAsync(lent, new ExportRequest { Format = "VhdFixed", Path = Path.Combine(azure.Folder, "back.vhd"), Open = lender.OpenDisk }, azure.Time, azure, default), default);
        await provider.RemoveAsync(machine.Id, false, false, azure, default);
        var sites = (ISiteProvider)provider;
        var site = await sites.AddSiteAsync(new Site { Name = "hq", NetworkId = corp.Id, Subnets = ["192.168.10.0/24"], GatewayAddress = "198.51.100.7" }, null, azure, default);
        sites.ReadSharedKey(site.Id);
        await sites.RemoveSiteAsync(site.Id, azure, default);
        foreach (var network in new[] { corp, lab })
            await networks.RemoveNetworkAsync(network.Id, default);
        await ((IOrphanProvider)provider).ListOrphansAsync(default);
    }

    private static IEnumerable<string> ActionsOf(Request request)
    {
        var path = request.Path;
        if (path.StartsWith("/blobs/", StringComparison.Ordinal))
            return [];
        if (Operation().Match(path) is { Success: true } operation)
            return [$"{operation.Groups[1].Value}/locations/{operation.Groups[2].Value}/read"];
        if (path.EndsWith("/skus", StringComparison.Ordinal))
            return ["Microsoft.Compute/skus/read"];
        if (path.EndsWith("/usages", StringComparison.Ordinal))
            return ["Microsoft.Compute/locations/usages/read"];
        if (path.EndsWith("/resources", StringComparison.Ordinal))
            return ["Microsoft.Resources/subscriptions/resourceGroups/resources/read"];
        if (!path.Contains("/providers/", StringComparison.Ordinal))
            return ["Microsoft.Resources/subscriptions/resourceGroups/" + (request.Method == "GET" ? "read" : "write")];
        var parts = path[(path.IndexOf("/providers/", StringComparison.Ordinal) + "/providers/".Length)..].Split('/');
        var isInner = parts.Length == 5;
        var type = isInner ? $"{parts[0]}/{parts[1]}/{parts[3]}" : $"{parts[0]}/{parts[1]}";
        var own = request.Method switch
        {
            "GET" when parts is [.., "sharedkey"] => $"{type}/sharedKey/read",
            "GET" => $"{type}/read",
            "DELETE" => $"{type}/delete",
            "POST" => $"{type}/{parts[3]}/action",
            _ => $"{type}/write",
        };
        var body = System.Text.Encoding.UTF8.GetString(request.Body);
        return Linked.Where(l => request.Method == "PUT" && l.In(type) && body.Contains(l.Names, StringComparison.Ordinal)).Select(l => l.Action).Append(own);
    }

    private static SortedSet<string> Documented()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AzureIaaS.slnx")))
            folder = Path.GetDirectoryName(folder.TrimEnd(Path.DirectorySeparatorChar))!;
        var text = File.ReadAllText(Path.Combine(folder, "docs", "azure.md"));
        var role = JsonNode.Parse(RoleBlock().Match(text).Groups[1].Value)!;
        return new SortedSet<string>(role["Actions"]!.AsArray().Select(a => (string)a!), StringComparer.OrdinalIgnoreCase);
    }

    [GeneratedRegex("```json\n(\\{\\s*\"Name\": \"AzureIaaS operator\".*?)```", RegexOptions.Singleline)]
    private static partial Regex RoleBlock();

    [GeneratedRegex("/providers/([^/]+)/locations/[^/]+/(operations|DiskOperations)/")]
    private static partial Regex Operation();
}
