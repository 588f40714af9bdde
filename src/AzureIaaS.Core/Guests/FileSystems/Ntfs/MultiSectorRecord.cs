namespace AzureIaaS.Guests.FileSystems.Ntfs;

/// <summary>A record whose last two bytes of every sector were replaced, so that one that was written in part is noticed (update sequence array).</summary>
internal static class MultiSectorRecord
{
    private const int Stride = 512;

    /// <summary>Verifies a record and puts the replaced bytes back.</summary>
    /// <param name="record">The record; changed in place.</param>
    /// <param name="signature">What it must begin with.</param>
    /// <exception cref="FileSystemException">It is damaged, or was written in part.</exception>
    public static void Restore(byte[] record, ReadOnlySpan<byte> signature)
    {
        if (!record.AsSpan().StartsWith(signature))
            throw new FileSystemException("a record of it has no signature");
        var (at, count) = (Le.U16(record, 4), Le.U16(record, 6));
        if (count - 1 != record.Length / Stride || at % 2 != 0 || at + (2 * count) > Stride - 2)
            throw new FileSystemException("a record of it has a damaged update sequence");
        var number = Le.U16(record, at);
        for (var i = 1; i < count; i++)
        {
            var end = (i * Stride) - 2;
            if (Le.U16(record, end) != number)
                throw new FileSystemException("a record of it was written in part");
            record.AsSpan(at + (2 * i), 2).CopyTo(record.AsSpan(end));
        }
    }
}
