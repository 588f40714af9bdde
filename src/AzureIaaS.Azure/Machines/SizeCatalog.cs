using Azure.Core;
using Azure.ResourceManager.Compute;
using AzureIaaS.Azure.Arm;

namespace AzureIaaS.Azure.Machines;

/// <summary>What sizes the region offers to this subscription, and how many of them it may still have.</summary>
/// <param name="connection">The way to Azure.</param>
internal sealed class SizeCatalog(ArmConnection connection)
{
    /// <summary>All sizes of a region, those that are refused too.</summary>
    /// <param name="region">The region; none has no sizes.</param>
    /// <param name="cancellation">Stops it.</param>
    public Task<List<VmSize>> ListAsync(string region, CancellationToken cancellation) => Operations.GuardAsync(
        async () =>
        {
            var found = new List<VmSize>();
            await foreach (var sku in connection.Subscription.GetComputeResourceSkusAsync($"location eq '{region}'", null, cancellation))
            {
                if (VmSize.Of(sku) is { } size)
                    found.Add(size);
            }

            return found;
        },
        $"Listing the sizes of {region}", Quiet.Notices, cancellation);

    /// <summary>Refuses a size that the quota has no room for.</summary>
    /// <param name="size">The size.</param>
    /// <param name="region">The region.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task CheckQuotaAsync(VmSize size, string region, CancellationToken cancellation)
    {
        var usages = await Operations.GuardAsync(
            async () =>
            {
                var all = new List<(string Name, string Text, long Current, long Limit)>();
                await foreach (var usage in connection.Subscription.GetUsagesAsync(new AzureLocation(region), cancellation))
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
                $"Size {size.Name} needs {size.Cpu} processors, and of the quota '{text}' in {region} {current} of {limit} are taken.",
                "Ask for a higher quota in the portal (Subscriptions, Usage + quotas), choose another with -Size, or stop machines that are not needed.", size.Name);
        }
    }
}
