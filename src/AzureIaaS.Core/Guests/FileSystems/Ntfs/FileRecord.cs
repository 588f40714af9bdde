namespace AzureIaaS.Guests.FileSystems.Ntfs;

/// <summary>A record of the master file table.</summary>
internal sealed class FileRecord
{
    private const int InUse = 1;
    private const int Folder = 2;

    /// <summary>Reads a record.</summary>
    /// <param name="number">Its number.</param>
    /// <param name="bytes">Its bytes; changed in place.</param>
    /// <exception cref="FileSystemException">It is damaged or not in use.</exception>
    public FileRecord(long number, byte[] bytes)
    {
        MultiSectorRecord.Restore(bytes, "FILE"u8);
        Number = number;
        Sequence = Le.U16(bytes, 16);
        var flags = Le.U16(bytes, 22);
        if ((flags & InUse) == 0)
            throw new FileSystemException($"the file record {number} is referred to and not in use");
        IsFolder = (flags & Folder) != 0;
        Attributes = Read(bytes, Le.U16(bytes, 20), Math.Min((int)Math.Min(Le.U32(bytes, 24), int.MaxValue), bytes.Length));
    }

    /// <summary>Its number.</summary>
    public long Number { get; }

    /// <summary>How often it was used again; a reference to an earlier use leads nowhere.</summary>
    public int Sequence { get; }

    /// <summary>Whether it is a folder's.</summary>
    public bool IsFolder { get; }

    /// <summary>The attributes in it.</summary>
    public IReadOnlyList<NtfsAttribute> Attributes { get; }

    private static List<NtfsAttribute> Read(byte[] bytes, int at, int end)
    {
        var attributes = new List<NtfsAttribute>();
        while (at <= end - 4 && (AttributeType)Le.U32(bytes, at) != AttributeType.End)
        {
            var length = Le.U32(bytes, at + 4);
            if (length < 24 || length % 8 != 0 || length > end - at)
                throw new FileSystemException("a file record of it is damaged");
            attributes.Add(new NtfsAttribute(bytes[at..(at + (int)length)]));
            at += (int)length;
        }

        return attributes;
    }
}
