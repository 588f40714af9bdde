using AzureIaaS.Disks;
using AzureIaaS.Guests;
using AzureIaaS.Imports;

namespace AzureIaaS.Readiness;

/// <summary>Judges whether a machine is fit for a target, from its files alone.</summary>
public static class ReadinessJudge
{
    /// <summary>Judges a machine.</summary>
    /// <param name="request">What would be imported.</param>
    /// <param name="target">Where it is to go.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">It is unknown, not supported or damaged.</exception>
    public static ReadinessReport Judge(ImportRequest request, ReadinessTarget target, CancellationToken cancellation)
    {
        request = ImportFolder.Resolve(request);
        var source = ImportInput.Open(request, cancellation);
        var guest = Inspect(request, source, cancellation);
        return Judge(request, source, guest, target);
    }

    /// <summary>Applies the rules.</summary>
    internal static ReadinessReport Judge(ImportRequest request, ImportSource source, GuestInfo guest, ReadinessTarget target)
    {
        var firmware = request.Firmware != Firmware.Unknown ? request.Firmware : source.Firmware;
        target = Exact(target, firmware);
        var findings = FindingsOf(source with { Firmware = firmware }, guest, target);
        return new ReadinessReport
        {
            Path = SourcePath.Full(request.Path),
            Name = request.Name ?? source.Name,
            Target = target,
            Firmware = firmware,
            Guest = guest,
            Format = request.Format,
            Root = request.Root,
            ExternalReferences = [.. request.ExternalReferences],
            Files = [.. source.Disks.SelectMany(d => d.Files).DistinctBy(f => f.Path)],
            Findings = findings,
            Verdict = findings.Count == 0 ? ReadinessVerdict.Ready : findings[0].Severity switch
            {
                ReadinessSeverity.Blocker => ReadinessVerdict.NotReady,
                ReadinessSeverity.Unknown => ReadinessVerdict.Unknown,
                ReadinessSeverity.Condition => ReadinessVerdict.ReadyWithConditions,
                _ => ReadinessVerdict.Ready,
            },
        };
    }

    /// <summary>Azure's generation is the firmware's.</summary>
    internal static ReadinessTarget Exact(ReadinessTarget target, Firmware firmware) =>
        target != ReadinessTarget.Azure ? target : firmware == Firmware.Uefi ? ReadinessTarget.AzureGen2 : ReadinessTarget.AzureGen1;

    /// <summary>What the rules find, the worst first.</summary>
    internal static List<ReadinessFinding> FindingsOf(ImportSource source, GuestInfo guest, ReadinessTarget target)
    {
        var subject = new ReadinessSubject(source, guest, target);
        return [.. ReadinessRule.Known.SelectMany(r => r.Find(subject).Select(f => new ReadinessFinding
        {
            Severity = r.Severity, Rule = r.Id, Message = f.Message, Remedy = f.Remedy, Source = r.Origin,
        })).OrderByDescending(f => f.Severity)];
    }

    private static GuestInfo Inspect(ImportRequest request, ImportSource source, CancellationToken cancellation)
    {
        var disks = new List<DiskImage>();
        try
        {
            foreach (var disk in source.Disks)
            {
                disks.Add(DiskFormat.OpenImage(disk.Path, new DiskOpenOptions
                {
                    Format = disk.Format, Root = request.Root ?? source.Root ?? ImportRoot.For(disk.Path), ExternalReferences = request.ExternalReferences, Snapshot = request.Snapshot,
                }));
            }

            return GuestInspector.Inspect(disks, cancellation);
        }
        finally
        {
            foreach (var disk in disks)
                disk.Dispose();
        }
    }
}
