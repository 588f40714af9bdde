using AzureIaaS.Disks;
using AzureIaaS.Guests;
using AzureIaaS.Readiness;

namespace AzureIaaS.Imports;

/// <summary>What is on the disks of a machine that is to be imported, for places that must be told.</summary>
public static class PlannedGuest
{
    /// <summary>
    /// Looks the guest over: which family of operating system it has, where nobody has said, and what the rules of readiness find against the target, which
    /// the plan then warns of. It refuses nothing: an inspection may be wrong, and what the target itself refuses is checked elsewhere.
    /// </summary>
    /// <param name="plan">The plan.</param>
    /// <param name="target">Where it goes.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="DiskImageException">An image is damaged where it was looked at.</exception>
    public static void Review(ImportPlan plan, ReadinessTarget target, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        var machine = plan.Machine;
        var guest = Inspect(plan, cancellation);
        if (machine.OSType == GuestOSType.Unknown)
        {
            machine.OSType = guest.Family switch
            {
                GuestFamily.Windows => GuestOSType.Windows,
                GuestFamily.Linux => GuestOSType.Linux,
                _ => GuestOSType.Unknown,
            };
        }

        foreach (var warning in WarningsOf(plan, guest, target))
            plan.Warnings.Add(warning);
    }

    /// <summary>What the rules of readiness find against a target, and the plan does not warn of yet. It changes nothing, so the work may go on meanwhile.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="target">Where it goes.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>Warnings; where an image is damaged, one that says so: the copy will meet that itself, or never needs what was looked at.</returns>
    public static IReadOnlyList<string> FindWarnings(ImportPlan plan, ReadinessTarget target, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(plan);
        try
        {
            return WarningsOf(plan, Inspect(plan, cancellation), target);
        }
        catch (DiskImageException e)
        {
            return [$"{plan.Machine.Name}: its readiness could not be judged. {e.Message}"];
        }
    }

    private static List<string> WarningsOf(ImportPlan plan, GuestInfo guest, ReadinessTarget target)
    {
        var machine = plan.Machine;
        var source = new ImportSource { Format = machine.Origin?.Format ?? "", Name = machine.Name, Firmware = machine.Firmware, Disks = [.. plan.Sources] };
        return [.. ReadinessJudge.FindingsOf(source, guest, ReadinessJudge.Exact(target, machine.Firmware))
            .Where(f => f.Severity is ReadinessSeverity.Blocker or ReadinessSeverity.Condition)
            .Where(f => !plan.Warnings.Any(w => w.Contains(f.Message, StringComparison.Ordinal)))
            .Select(f => $"{machine.Name}: {f.Message} {f.Remedy}")];
    }

    private static GuestInfo Inspect(ImportPlan plan, CancellationToken cancellation)
    {
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

            return GuestInspector.Inspect(disks, cancellation);
        }
        finally
        {
            disks.ForEach(d => d.Dispose());
        }
    }
}
