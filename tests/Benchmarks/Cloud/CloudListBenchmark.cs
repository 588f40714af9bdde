using System.Diagnostics;
using System.Globalization;
using System.Text.Json.Nodes;
using AzureIaaS.Benchmarks.Measuring;

namespace AzureIaaS.Benchmarks.Cloud;

/// <summary>Listing a thousand machines in Azure, by list calls.</summary>
internal sealed class CloudListBenchmark : Benchmark
{
    private static readonly TimeSpan Most = TimeSpan.FromSeconds(2);

    public override string Name => "azurelist";

    public override string Description => "listing a thousand machines in Azure's double";

    public override async Task<IReadOnlyList<Row>> RunAsync(Workshop workshop)
    {
        var count = workshop.IsQuick ? 50 : 1000;
        using var cloud = new CloudBench(workshop.EmptyFolder(Name), null);
        for (var i = 0; i < count; i++)
            Add(cloud, string.Create(CultureInfo.InvariantCulture, $"vm{i:0000}"));
        Workshop.Say($"listing {count:N0} machines in Azure's double");
        var requests = 0;
        var times = await new Contest(workshop.Rounds, countOthers: false).HoldAsync(new Contestant("list", async () =>
        {
            cloud.Arm.Requests.Clear();
            var time = Stopwatch.StartNew();
            var all = await cloud.Session.ListAsync(CancellationToken.None);
            requests = cloud.Arm.Requests.Count;
            return all.Count == count ? time.Elapsed : throw new InvalidOperationException($"{all.Count} machines were listed.");
        }));
        return [new Row(Name, string.Create(CultureInfo.InvariantCulture, $"{count:N0} machines in Azure's double, {requests} requests"), Row.Time(times["list"]), "", Row.Time(times["list"]), Target.Below(times["list"], Most)) { IsDisturbed = times.IsDisturbed }];
    }

    private static void Add(CloudBench cloud, string name)
    {
        var (id, vm) = (Guid.NewGuid().ToString(), $"{CloudBench.GroupId}/providers/Microsoft.Compute/virtualMachines/{name}");
        cloud.Arm.Add(new JsonObject
        {
            ["id"] = $"{CloudBench.GroupId}/providers/Microsoft.Compute/disks/{name}-disk0", ["name"] = name + "-disk0", ["type"] = "Microsoft.Compute/disks", ["location"] = "westeurope", ["managedBy"] = vm,
            ["tags"] = new JsonObject { ["azureiaas-vm"] = id, ["azureiaas-name"] = name, ["azureiaas-disk"] = "disk0" },
            ["properties"] = new JsonObject { ["diskState"] = "Attached", ["osType"] = "Linux", ["creationData"] = new JsonObject { ["createOption"] = "Upload" } },
        });
        cloud.Arm.Add(new JsonObject
        {
            ["id"] = vm, ["name"] = name, ["type"] = "Microsoft.Compute/virtualMachines", ["location"] = "westeurope", ["power"] = "running",
            ["tags"] = new JsonObject { ["azureiaas-vm"] = id }, ["properties"] = new JsonObject { ["provisioningState"] = "Succeeded" },
        });
    }
}
