using System.Runtime.CompilerServices;

namespace AzureIaaS.Disks;

/// <summary>Opens the image that another one lies over, held to the same root, and never one that is in the chain already.</summary>
internal static class DiskParent
{
    /// <summary>More than any hypervisor makes, Hyper-V stops at 50, VMware at 32; and few enough for the stack of any thread.</summary>
    private const int MaxChain = 100;

    /// <summary>Opens a parent; the caller closes it, and has still to check that it is the one meant.</summary>
    /// <param name="imagePath">The image that lies over it.</param>
    /// <param name="path">The parent's real path.</param>
    /// <param name="format">The format it must have; null to probe.</param>
    /// <param name="options">How the image itself is opened.</param>
    /// <exception cref="DiskImageException">It lies below itself, the chain is too long, or it cannot be read.</exception>
    public static DiskImage Open(string imagePath, string path, string? format, DiskOpenOptions options)
    {
        IReadOnlyList<string> chain = [.. options.Chain, DiskReference.RealPath(SourcePath.Full(imagePath)) ?? imagePath];
        if (chain.Contains(path))
            throw DiskErrors.Corrupt(imagePath, 0, $"its chain of parents leads back to '{path}', so that it has no beginning");
        if (chain.Count > MaxChain || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw DiskErrors.UnsupportedFeature(imagePath, 0, $"a chain of more than {MaxChain} images",
                "Merge it on its hypervisor (delete its checkpoints or snapshots) and import what remains.");
        }

        return DiskFormat.OpenImage(path, options with { Format = format, Snapshot = null, Root = options.RootFor(imagePath), Chain = chain });
    }

    /// <summary>Says that a file has the parent's name and is another disk.</summary>
    /// <param name="imagePath">The image that lies over it.</param>
    /// <param name="path">The file.</param>
    /// <param name="difference">In what it differs, as half a sentence.</param>
    public static DiskImageException IsAnother(string imagePath, string path, string difference) =>
        new(DiskImageFault.MissingReference, imagePath, null, $"'{path}' has the name of its parent and is another disk, or was changed since: {difference}",
            "Put the parent beside the image as it was when the image was made over it; read over another one, the disk would be garbage.");
}
