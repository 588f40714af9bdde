namespace AzureIaaS.Guests;

/// <summary>What became of a file system's log of changes (ext's and NTFS's journal, XFS's log, Btrfs's log tree) when it was read.</summary>
public enum LogState
{
    /// <summary>It has none, or that was not looked at.</summary>
    None,

    /// <summary>Nothing was in it that is not where it belongs: the file system was closed, or at rest.</summary>
    Clean,

    /// <summary>It held changes, and the file system was read as it is after them; the volume itself was not changed.</summary>
    Replayed,

    /// <summary>It holds changes that were not taken into account: what was read may be older than what the guest wrote last.</summary>
    NotReplayed,
}
