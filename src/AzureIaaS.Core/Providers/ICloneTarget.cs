namespace AzureIaaS.Providers;

/// <summary>A target whose file system can share blocks between files, so that a raw image needs no copying (reflink).</summary>
public interface ICloneTarget : IDiskTarget
{
    /// <summary>Makes the target hold what a file holds, sharing its blocks until either is written.</summary>
    /// <param name="path">The file.</param>
    /// <returns>False where that cannot be: another file system, or one that shares nothing. Nothing has changed then.</returns>
    bool TryClone(string path);
}
