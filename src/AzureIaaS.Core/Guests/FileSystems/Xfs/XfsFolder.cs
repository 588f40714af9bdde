using System.Text;

namespace AzureIaaS.Guests.FileSystems.Xfs;

/// <summary>Reads the names in a folder: in its inode (short form), or in blocks; the indexes beside them (leaf and node form) are not needed to read all.</summary>
internal static class XfsFolder
{
    private const int UnusedTag = 0xFFFF;

    /// <summary>The names in a folder that lies in its inode.</summary>
    /// <param name="fork">The inode's data fork.</param>
    /// <param name="hasFileTypes">Whether names carry the kind of what they name.</param>
    public static IEnumerable<(string Name, ulong Inode)> Short(byte[] fork, bool hasFileTypes)
    {
        if (fork.Length < 2)
            throw Damaged();
        var inodeSize = fork[1] != 0 ? 8 : 4;
        int count = Math.Max(fork[0], fork[1]), at = 2 + inodeSize;
        for (var i = 0; i < count; i++)
        {
            if (at >= fork.Length)
                throw Damaged();
            int length = fork[at];
            var name = Encoding.UTF8.GetString(Fields.Slice(fork, at + 3, length));
            at += 3 + length + (hasFileTypes ? 1 : 0);
            yield return (name, inodeSize == 8 ? Be.U64(fork, at) : Be.U32(fork, at));
            at += inodeSize;
        }
    }

    /// <summary>The names in a block of a folder; none where the block is a hole.</summary>
    /// <param name="block">The block.</param>
    /// <param name="hasFileTypes">Whether names carry the kind of what they name.</param>
    public static IEnumerable<(string Name, ulong Inode)> Block(byte[] block, bool hasFileTypes)
    {
        var (start, end) = Encoding.Latin1.GetString(block, 0, 4) switch
        {
            "XD2D" => (16, block.Length),
            "XDD3" => (64, block.Length),
            "XD2B" => (16, EndOfData(block)),
            "XDB3" => (64, EndOfData(block)),
            "\0\0\0\0" => (0, 0),
            _ => throw Damaged(),
        };
        for (var at = start; at < end;)
        {
            if (Be.U16(block, at) == UnusedTag)
            {
                int free = Be.U16(block, at + 2);
                if (free < 8 || free % 8 != 0)
                    throw Damaged();
                at += free;
                continue;
            }

            if (at + 9 > end)
                throw Damaged();
            int length = block[at + 8];
            yield return (Encoding.UTF8.GetString(Fields.Slice(block, at + 9, length)), Be.U64(block, at));
            at += (8 + 1 + length + (hasFileTypes ? 1 : 0) + 2 + 7) / 8 * 8;
        }
    }

    /// <summary>Where a single block's names end and its own index begins.</summary>
    private static int EndOfData(byte[] block)
    {
        var count = Be.U32(block, block.Length - 8);
        return count <= block.Length / 8 - 1 ? block.Length - 8 - ((int)count * 8) : throw Damaged();
    }

    private static FileSystemException Damaged() => new("a folder of it is damaged");
}
