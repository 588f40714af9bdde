using System.Globalization;
using Azure.ResourceManager.Compute;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Upload;

/// <summary>
/// Staged imports as Azure alone knows them: disks that wait for more, the first of which says of which moment they are. So a machine can be made of them where
/// the computer that staged them is lost with its site.
/// </summary>
/// <param name="disks">The disks of the group.</param>
internal sealed class StagedImports(ManagedDisks disks)
{
    /// <summary>The moment that disks are of; null where they are of none.</summary>
    /// <param name="boot">The disk that the machine will boot from; null for none.</param>
    public static DateTimeOffset? MomentOf(ManagedDiskData? boot) =>
        boot is not null && boot.Tags.TryGetValue(AzureNames.StagedTag, out var text)
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var moment) ? moment : null;

    /// <summary>The moment of the last whole pass; null where there is none.</summary>
    /// <param name="name">The name that the machine will have.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<DateTimeOffset?> FindAsync(string name, CancellationToken cancellation) =>
        AzureNames.Problem(name) is null ? MomentOf((await disks.FindAsync(AzureNames.Disk(name, FirstDisk), cancellation))?.Data) : null;

    /// <summary>Makes the machine: access to all disks ends, and the first one gets its name.</summary>
    /// <param name="name">The name that the machine will have.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting; the same again finishes it.</param>
    /// <returns>The machine's id.</returns>
    public async Task<Guid> AdoptAsync(string name, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var boot = await disks.FindAsync(AzureNames.Disk(name, FirstDisk), cancellation);
        if (MomentOf(boot?.Data) is null || AzureNames.IdIn(boot!.Data.Tags, AzureNames.VmTag) is not { } id)
        {
            throw new IaaSException(ErrorKind.NotFound, "StagedImportNotFound", $"There is no staged import called '{name}', or its last pass was cut off.",
                "A pass that was cut off is finished by Import-IaaSVm -Stage, where its source still is.", name);
        }

        foreach (var data in (await disks.ListAsync(cancellation)).Where(d => AzureNames.IdIn(d.Tags, AzureNames.VmTag) == id && ManagedDisks.IsUploading(d)))
        {
            if (await disks.FindAsync(data.Name, cancellation) is { } disk)
                await disks.RevokeAsync(disk, notices, cancellation);
        }

        await disks.TagAsync((await disks.FindAsync(boot.Id.Name, cancellation))!, [new(AzureNames.NameTag, name)], notices, cancellation);
        return id;
    }

    private const string FirstDisk = "disk0";
}
