namespace AzureIaaS.Guests.FileSystems.Ntfs;

/// <summary>Decodes the mapping pairs of an attribute: lengths and places of its runs of clusters, each place relative to the one before.</summary>
internal static class DataRuns
{
    /// <summary>Adds the runs of a piece of an attribute.</summary>
    /// <param name="attribute">The piece.</param>
    /// <param name="clusterSize">A cluster's size in bytes.</param>
    /// <param name="volumeLength">The volume's length in bytes.</param>
    /// <param name="runs">Where they go; sparse runs are left out.</param>
    /// <exception cref="FileSystemException">They are damaged.</exception>
    public static void Add(NtfsAttribute attribute, int clusterSize, long volumeLength, List<FileRun> runs)
    {
        var pairs = attribute.MappingPairs;
        var clusters = volumeLength / clusterSize;
        var (vcn, lcn) = (attribute.StartVcn, 0L);
        var at = 0;
        while (at < pairs.Length && pairs[at] != 0)
        {
            var (lengthSize, placeSize) = (pairs[at] & 0xF, pairs[at] >> 4);
            at++;
            var length = Number(pairs, ref at, lengthSize);
            var offset = Number(pairs, ref at, placeSize);
            // A sparse run may be longer than the volume; no file is longer than 2^63 bytes.
            if (length <= 0 || length > (long.MaxValue / 4 / clusterSize) - vcn)
                throw Damaged();
            if (placeSize > 0)
            {
                lcn = unchecked(lcn + offset);
                if (lcn < 0 || lcn > clusters - length)
                    throw Damaged();
                runs.Add(new FileRun(vcn * clusterSize, length * clusterSize, lcn * clusterSize));
            }

            vcn += length;
        }

        if (vcn != attribute.LastVcn + 1)
            throw Damaged();
    }

    private static FileSystemException Damaged() => new("a file of it has damaged data runs");

    /// <summary>A signed number of so many bytes.</summary>
    private static long Number(ReadOnlySpan<byte> pairs, ref int at, int size)
    {
        if (size > 8 || size > pairs.Length - at)
            throw Damaged();
        long value = size > 0 && (pairs[at + size - 1] & 0x80) != 0 ? -1 : 0;
        for (var i = size - 1; i >= 0; i--)
            value = (value << 8) | pairs[at + i];
        at += size;
        return value;
    }
}
