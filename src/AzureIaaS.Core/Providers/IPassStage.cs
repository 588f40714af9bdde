namespace AzureIaaS.Providers;

/// <summary>A stage on which disks can be brought up to date any number of times before they become a machine's.</summary>
public interface IPassStage : IImportStage
{
    /// <summary>Notes, so that it outlives any death, that a disk is being changed; <see cref="IImportStage.FinishAsync"/> ends that.</summary>
    /// <param name="disk">The disk.</param>
    /// <returns>The digests of its blocks as the last whole pass has left them; null when the first pass begins, or the last was cut off.</returns>
    byte[]? BeginPass(VirtualDisk disk);
}
