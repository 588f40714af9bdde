namespace AzureIaaS.Guests.FileSystems.Ntfs;

/// <summary>$LogFile, looked at to say whether it holds changes that are not where they belong. It is not replayed.</summary>
internal static class NtfsLog
{
    private const int PageSize = 4096;
    private const ushort NoClient = 0xFFFF;
    private const int VolumeIsClean = 2;

    /// <summary>Whether the file system was closed after what was logged: the newer of the two restart areas says so, or nothing was ever logged.</summary>
    /// <param name="file">The file.</param>
    public static bool IsClean(GuestFile file)
    {
        (ulong Lsn, bool IsClean)? newest = null;
        for (var at = 0; at <= Math.Min(file.Length - PageSize, PageSize); at += PageSize)
        {
            var page = new byte[PageSize];
            file.Read(at, page);
            if (!page.AsSpan().StartsWith("RSTR"u8) && !page.AsSpan().StartsWith("CHKD"u8))
                continue;
            var area = Fields.Slice(page, Le.U16(page, 24), 16);
            var lsn = Le.U64(area, 0);
            if (newest is null || lsn > newest.Value.Lsn)
                newest = (lsn, Le.U16(area, 12) == NoClient || (Le.U16(area, 14) & VolumeIsClean) != 0);
        }

        return newest?.IsClean ?? true;
    }
}
