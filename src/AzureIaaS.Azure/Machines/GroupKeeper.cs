using Azure;
using Azure.Core;
using Azure.ResourceManager.Resources;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Machines;

/// <summary>Makes sure that a context's resource group is there, and knows its region.</summary>
/// <param name="connection">The way to Azure.</param>
internal sealed class GroupKeeper(ArmConnection connection)
{
    /// <summary>Finds the group, or makes it where a region was said.</summary>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task EnsureAsync(IProgress<Notice> notices, CancellationToken cancellation)
    {
        var scope = connection.Scope;
        notices.Report(Notice.Step($"Looking for resource group {scope.ResourceGroup}"));
        var group = await FindAsync(notices, cancellation);
        if (group is null)
        {
            if (scope.Location.Length == 0)
            {
                throw new IaaSException(ErrorKind.NotFound, "ResourceGroupNotFound", $"Subscription {scope.Subscription} has no resource group '{scope.ResourceGroup}'.",
                    "Name one that is there with -ResourceGroup, or say with -Location in which region it is to be made.", scope.ResourceGroup);
            }

            notices.Report(Notice.Verbose($"Resource group {scope.ResourceGroup} is made in {scope.Location}."));
            group = await Operations.GuardAsync(
                async () => (await connection.Subscription.GetResourceGroups().CreateOrUpdateAsync(
                    WaitUntil.Completed, scope.ResourceGroup, new ResourceGroupData(new AzureLocation(scope.Location)), cancellation)).Value,
                $"Creating resource group {scope.ResourceGroup}", notices, cancellation);
        }

        if (scope.Location.Length == 0)
            scope.Location = group.Data.Location.Name;
    }

    private Task<ResourceGroupResource?> FindAsync(IProgress<Notice> notices, CancellationToken cancellation) => Operations.GuardAsync(
        async () =>
        {
            try
            {
                return (await connection.Subscription.GetResourceGroups().GetAsync(connection.Scope.ResourceGroup, cancellation)).Value;
            }
            catch (RequestFailedException e) when (e.Status == 404 && e.ErrorCode == "ResourceGroupNotFound")
            {
                return null;
            }
        },
        $"Looking for resource group {connection.Scope.ResourceGroup}", notices, cancellation);
}
