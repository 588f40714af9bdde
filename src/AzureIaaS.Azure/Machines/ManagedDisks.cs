using Azure;
using Azure.Core;
using Azure.ResourceManager.Compute;
using Azure.ResourceManager.Compute.Models;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Machines;

/// <summary>The managed disks of a resource group: made for an upload, opened, closed, marked, removed. Every call may be repeated.</summary>
/// <param name="connection">The way to Azure.</param>
internal sealed class ManagedDisks(ArmConnection connection)
{
    private readonly Operations _operations = new(connection);

    /// <summary>All disks of the group that are ours.</summary>
    /// <param name="cancellation">Stops it.</param>
    public Task<List<ManagedDiskData>> ListAsync(CancellationToken cancellation) => Operations.GuardAsync(
        async () =>
        {
            var found = new List<ManagedDiskData>();
            await foreach (var disk in connection.Group.GetManagedDisks().GetAllAsync(cancellation))
            {
                if (disk.Data.Tags.ContainsKey(AzureNames.VmTag))
                    found.Add(disk.Data);
            }

            return found;
        },
        "Listing disks", Quiet.Notices, cancellation);

    /// <summary>One disk; null when there is none of that name.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="cancellation">Stops it.</param>
    public Task<ManagedDiskResource?> FindAsync(string name, CancellationToken cancellation) => Operations.FindAsync(
        () => connection.Group.GetManagedDisks().GetAsync(name, cancellation), $"Looking for disk {name}", cancellation);

    /// <summary>The disk behind a machine's.</summary>
    /// <param name="disk">The machine's disk.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">It is gone.</exception>
    public async Task<ManagedDiskResource> NeededAsync(VirtualDisk disk, CancellationToken cancellation) =>
        await FindAsync(new ResourceIdentifier(disk.Path).Name, cancellation)
        ?? throw new IaaSException(ErrorKind.NotFound, "DiskNotFound", $"{disk.Path}: the disk is no longer there.", "Get-IaaSVm shows the disks there are.", disk.Path);

    /// <summary>Makes a disk.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="data">What it is.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public Task<ManagedDiskResource> CreateAsync(string name, ManagedDiskData data, IProgress<Notice> notices, CancellationToken cancellation) => _operations.ResultAsync<ManagedDiskResource>(
        async () => await connection.Group.GetManagedDisks().CreateOrUpdateAsync(WaitUntil.Started, name, data, cancellation), $"Creating disk {name}", notices, cancellation);

    /// <summary>Asks for access to a disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="write">Whether to write; else to read.</param>
    /// <param name="lifetime">How long.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>An address that is a key: nobody else may see it.</returns>
    public async Task<Uri> GrantAsync(ManagedDiskResource disk, bool write, TimeSpan lifetime, CancellationToken cancellation)
    {
        var content = new GrantAccessData(write ? AccessLevel.Write : AccessLevel.Read, (int)lifetime.TotalSeconds);
        var access = await _operations.ResultAsync<AccessUri>(
            async () => await disk.GrantAccessAsync(WaitUntil.Started, content, cancellation), $"Opening disk {disk.Id.Name}", Quiet.Notices, cancellation);
        return Uri.TryCreate(access.AccessSas, UriKind.Absolute, out var uri) && (uri.Scheme == Uri.UriSchemeHttps || uri.IsLoopback)
            ? uri
            : throw new IaaSException(ErrorKind.Failed, "DiskAccessUnusable", $"{disk.Id.Name}: Azure gave no usable access to the disk.", "Try again.", disk.Id.Name);
    }

    /// <summary>Ends access to a disk. After an upload, Azure looks at the disk's footer now.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public Task RevokeAsync(ManagedDiskResource disk, IProgress<Notice> notices, CancellationToken cancellation) => _operations.RunAsync(
        async () => await disk.RevokeAccessAsync(WaitUntil.Started, cancellation), $"Closing disk {disk.Id.Name}", notices, cancellation);

    /// <summary>Adds tags to a disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="tags">The tags.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public Task TagAsync(ManagedDiskResource disk, IEnumerable<KeyValuePair<string, string>> tags, IProgress<Notice> notices, CancellationToken cancellation)
    {
        // A patch replaces all tags, so those there are go with it.
        var patch = new ManagedDiskPatch();
        foreach (var (key, value) in disk.Data.Tags.Concat(tags))
            patch.Tags[key] = value;
        return PatchAsync(disk, patch, notices, cancellation);
    }

    /// <summary>Takes off a disk what makes a machine of it; it stays among its machine's.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public Task UnnameAsync(ManagedDiskResource disk, IProgress<Notice> notices, CancellationToken cancellation) => UntagAsync(disk, AzureNames.NameTag, notices, cancellation);

    /// <summary>Takes a tag off a disk.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public Task UntagAsync(ManagedDiskResource disk, string tag, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var patch = new ManagedDiskPatch();
        foreach (var (key, value) in disk.Data.Tags.Where(t => t.Key != tag))
            patch.Tags[key] = value;
        return PatchAsync(disk, patch, notices, cancellation);
    }

    /// <summary>Takes all our tags off a disk: from now on it is its owner's alone.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public Task ReleaseAsync(ManagedDiskResource disk, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var patch = new ManagedDiskPatch();
        patch.Tags["azureiaas"] = "kept";   // without any, the patch would leave tags as they are
        foreach (var (key, value) in disk.Data.Tags.Where(t => !t.Key.StartsWith(AzureNames.TagPrefix, StringComparison.OrdinalIgnoreCase)))
            patch.Tags[key] = value;
        return PatchAsync(disk, patch, notices, cancellation);
    }

    /// <summary>Removes a disk. One whose upload is open is closed first; one that is gone already is no failure.</summary>
    /// <param name="disk">The disk.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task RemoveAsync(ManagedDiskResource disk, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (IsOpen(disk.Data))
        {
            try
            {
                await RevokeAsync(disk, notices, cancellation);
            }
            catch (IaaSException e) when (e.ErrorId == "InvalidVhd")
            {
                // It was no whole disk yet, and need not be one to be removed.
            }
        }

        await _operations.RunAsync(async () => await disk.DeleteAsync(WaitUntil.Started, cancellation), $"Removing disk {disk.Id.Name}", notices, cancellation);
    }

    /// <summary>Whether somebody may have access to a disk beside its machine.</summary>
    /// <param name="disk">The disk.</param>
    public static bool IsOpen(ManagedDiskData disk) => disk.DiskState == DiskState.ActiveUpload || disk.DiskState == DiskState.ActiveSas;

    /// <summary>Whether a disk's upload has not ended.</summary>
    /// <param name="disk">The disk.</param>
    public static bool IsUploading(ManagedDiskData disk) => disk.DiskState == DiskState.ActiveUpload || disk.DiskState == DiskState.ReadyToUpload;

    private Task PatchAsync(ManagedDiskResource disk, ManagedDiskPatch patch, IProgress<Notice> notices, CancellationToken cancellation) => _operations.RunAsync(
        async () => await disk.UpdateAsync(WaitUntil.Started, patch, cancellation), $"Marking disk {disk.Id.Name}", notices, cancellation);
}
