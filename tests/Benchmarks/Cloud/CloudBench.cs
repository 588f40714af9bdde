using AzureIaaS.ArmDouble;
using AzureIaaS.Azure;
using AzureIaaS.Sessions;
using AzureIaaS.Store;

namespace AzureIaaS.Benchmarks.Cloud;

/// <summary>A resource group of the resource manager's double, and a session on it. What Azure would have one wait for is not waited for: it is not the product's.</summary>
internal sealed class CloudBench : IDisposable
{
    /// <summary>The subscription.</summary>
    public static readonly Guid Subscription = Guid.Parse("11111111-2222-3333-4444-555555555555");

    private readonly ArmServer _server = new(0);

    /// <summary>Begins.</summary>
    /// <param name="folder">Where the session keeps its notes.</param>
    /// <param name="blobs">What the disks lie in; null for the double's memory.</param>
    public CloudBench(string folder, IBlobs? blobs)
    {
        Arm = new Arm(TimeProvider.System, blobs ?? new BlobDouble(_server.Address)) { PollsUntilDone = 0, RetryAfter = "0" };
        Arm.Add(new System.Text.Json.Nodes.JsonObject
        {
            ["id"] = GroupId, ["name"] = "farm", ["type"] = "Microsoft.Resources/resourceGroups", ["location"] = "westeurope", ["properties"] = new System.Text.Json.Nodes.JsonObject { ["provisioningState"] = "Succeeded" },
        });
        _ = _server.RunAsync(Arm);
        var context = new IaaSContext
        {
            Name = "cloud",
            Provider = IaaSContext.AzureProvider,
            Path = folder,
            Azure = new AzureScope { Subscription = Subscription, ResourceGroup = "farm", Location = "westeurope", Environment = _server.Address.ToString() },
        };
        Session = IaaSSession.Open(context, new StoreAdapter(), new AzureAdapter(), null, new NoWaiting());
    }

    /// <summary>The group's full id.</summary>
    public static string GroupId => $"/subscriptions/{Subscription}/resourceGroups/farm";

    /// <summary>Where the double listens.</summary>
    public Uri Address => _server.Address;

    /// <summary>The double.</summary>
    public Arm Arm { get; }

    /// <summary>The session.</summary>
    public IaaSSession Session { get; }

    public void Dispose()
    {
        Session.Dispose();
        _server.Dispose();
    }

    /// <summary>A clock on which waits are a thousand times as short.</summary>
    private sealed class NoWaiting : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / 1000 : dueTime, period);
    }
}
