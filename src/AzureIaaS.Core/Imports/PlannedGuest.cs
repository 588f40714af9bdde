using AzureIaaS.Disks;
using AzureIaaS.Guests;

namespace AzureIaaS.Imports;

/// <summary>What is on the disks of a machine that is to be imported, for places that must be told.</summary>
public static class PlannedGuest
{
    /// <summary>Finds out which family of operating system a planned machine has, where nobody has said.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="DiskImageException">An image is damaged where it was looked at.</exception>
    public static GuestOSType SystemOf(ImportPlan plan, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var disks = new List<DiskImage>();
        try
        {
            foreach (var source in plan.Sources)
            {
                disks.Add(DiskFormat.OpenImage(source.Path, new DiskOpenOptions
                {
                    Format = source.Format, Root = plan.Root ?? ImportRoot.For(source.Path), ExternalReferences = [.. plan.ExternalReferences], Snapshot = plan.Snapshot,
                }));
            }

            return GuestInspector.Inspect(disks, cancellation).Family switch
            {
                GuestFamily.Windows => GuestOSType.Windows,
                GuestFamily.Linux => GuestOSType.Linux,
                _ => GuestOSType.Unknown,
            };
        }
        finally
        {
            disks.ForEach(d => d.Dispose());
        }
    }
}
