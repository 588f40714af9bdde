using Azure.Core;
using Azure.ResourceManager.Compute;
using AzureIaaS.Azure.Arm;

namespace AzureIaaS.Azure.Machines;

/// <summary>What sizes the region offers to this subscription, and how many of them it may still have.</summary>
/// <param name="connection">The way to Azure.</param>
internal sealed class SizeCatalog(ArmConnection connection)
{
    /// <summary>All sizes of the region, those that are refused too.</summary>
    /// <param name="cancellation">Stops it.</param>
    public Task<List<VmSize>> ListAsync(CancellationToken cancellation) => Operations.GuardAsync(
        async () =>
        {
            var found = new List<VmSize>();
            await foreach (var sku in connection.Subscription.GetComputeResourceSkusAsync($"location eq '{connection.Scope.Location}'", null, cancellation))
            {
                if (VmSize.Of(sku) is { } size)
                    found.Add(size);
            }

            return found;
        },
        $"Listing the sizes of {connection.Scope.Location}", Quiet.Notices, cancellation);

    /// <summary>Refuses a size that the quota has no room for.</summary>
    /// <param name="size">The size.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task CheckQuotaAsync(VmSize size, CancellationToken cancellation)
    {
        var usages = await Operations.GuardAsync(
            async () =>
            {
                var all = new List<(string Name, string Text, long Current, long Limit)>();
                await foreach (var usage in connection.Subscription.GetUsagesAsync(new AzureLocation(connection.Scope.Location), cancellation))
                    all.Add((usage.Name.Value, usage.Name.LocalizedValue, usage.CurrentValue, usage.Limit));
                return all;
            },
            "Reading quotas", Quiet.Notices, cancellation);
        foreach (var (name, text, current, limit) in usages)
        {
            var counts = name.Equals(size.Family, StringComparison.OrdinalIgnoreCase) || name.Equals("cores", StringComparison.OrdinalIgnoreCase);
            if (!counts || current + size.Cpu <= limit)
                continue;
            throw new IaaSException(ErrorKind.NoCapacity, "QuotaExceeded",
                $"Size {size.Name} needs {size.Cpu} processors, and of the quota '{text}' in {connection.Scope.Location} {current} of {limit} are taken.",
                "Ask for a higher quota in the portal (Subscriptions, Usage + quotas), choose another with -Size, or stop machines that are not needed.", size.Name);
        }
    }
}
