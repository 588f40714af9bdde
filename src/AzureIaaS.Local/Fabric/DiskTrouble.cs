namespace AzureIaaS.Local.Fabric;

/// <summary>Says what a file that cannot be written means for the user.</summary>
internal static class DiskTrouble
{
    private const int NoSpace = 28;   // ENOSPC
    private const int QuotaExceeded = 122;   // EDQUOT
    private const int WindowsDiskFull = 112;   // ERROR_DISK_FULL

    /// <summary>The error to show.</summary>
    /// <param name="path">The file, or the folder that it is in.</param>
    /// <param name="e">What the system said.</param>
    /// <param name="again">What to do again when the cause is removed, and what has become of this attempt.</param>
    public static IaaSException Translate(string path, Exception e, string again) =>
        e.HResult is NoSpace or QuotaExceeded || (e.HResult & 0xFFFF) == WindowsDiskFull
            ? new IaaSException(ErrorKind.NoCapacity, "NotEnoughSpace", $"{path}: the disk that holds the fabric is full.", $"Make room on it, then {again}", path, e)
            : new IaaSException(ErrorKind.Failed, "DiskWriteFailed", $"{path}: the disk cannot be written: {e.Message}",
                $"Check the disk that holds the fabric and the permissions of its folder, then {again}", path, e);
}
