namespace AzureIaaS.Providers;

/// <summary>A provider whose machines can run on an image that stays where it is while it is copied.</summary>
public interface ILinkProvider
{
    /// <summary>Sees to it that the images of linked machines are served and copied in the background.</summary>
    /// <param name="vm">The machine's id.</param>
    /// <param name="notices">Receives why that could not be started.</param>
    void EnsureLink(Guid vm, IProgress<Notice> notices);

    /// <summary>Serves and copies the images of a machine's linked disks, until none is linked any more, or until cancelled.</summary>
    /// <param name="vm">The machine's id.</param>
    /// <param name="notices">Receives what is seen and done.</param>
    /// <param name="cancellation">Stops it; it goes on where it was the next time.</param>
    /// <returns>False when another process does it already.</returns>
    Task<bool> RunLinkAsync(Guid vm, IProgress<Notice> notices, CancellationToken cancellation);
}

/// <summary>A stage on which disks can be linked to their images instead of being copied.</summary>
public interface ILinkStage : IImportStage
{
    /// <summary>Makes the layer that takes the guest's writes. Repeating it makes it anew.</summary>
    /// <param name="disk">The disk, with its link.</param>
    void Link(VirtualDisk disk);
}
