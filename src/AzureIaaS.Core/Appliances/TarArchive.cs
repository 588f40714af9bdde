using System.Globalization;
using System.Text;

namespace AzureIaaS.Appliances;

/// <summary>A file in an archive: where its bytes lie.</summary>
/// <param name="Name">Its name, with <c>/</c> between folders.</param>
/// <param name="Offset">Where its bytes start in the archive.</param>
/// <param name="Length">How many there are.</param>
public sealed record ArchiveMember(string Name, long Offset, long Length);

/// <summary>
/// A tar archive (POSIX.1-1988 ustar, with the longer names and sizes of pax and GNU), read in place: members are ranges of it, and nothing
/// is unpacked. Names that lead out of it, links, devices and names that come twice are refused.
/// </summary>
public static class TarArchive
{
    private const int BlockSize = 512;
    private const int MaxMembers = 4096;
    private const int MaxExtendedHeader = 64 << 10;

    /// <summary>Whether a file's first bytes are an archive's.</summary>
    /// <param name="head">The first bytes.</param>
    public static bool IsAt(ReadOnlySpan<byte> head) => head.Length >= BlockSize && head[257..].StartsWith("ustar"u8);

    /// <summary>Lists an archive's files.</summary>
    /// <param name="path">The archive.</param>
    /// <exception cref="IaaSException">It is damaged, or holds what is refused.</exception>
    public static IReadOnlyList<ArchiveMember> List(string path)
    {
        using var file = Disks.DiskFile.Open(path);
        var members = new List<ArchiveMember>();
        string? name = null;
        long? size = null;
        for (long at = 0; ; )
        {
            if (at > file.Length - BlockSize)
            {
                // Two blocks of zeros should end it; some writers leave them out.
                return at == file.Length ? members : throw Damaged(path, at, "it ends in the middle of a member");
            }

            var header = file.Read(at, BlockSize).AsSpan();
            if (!header.ContainsAnyExcept((byte)0))
                return members;
            CheckHeader(path, at, header);
            var length = Number(header.Slice(124, 12)) ?? throw Damaged(path, at, "a member's size is no number");
            var type = (char)header[156];
            var dataAt = at + BlockSize;
            if (type is '0' or '\0' or '7' && size is { } own)
                length = own;
            if (length < 0 || length > file.Length - dataAt)
                throw Damaged(path, at, $"a member is said to have {length:N0} bytes, and the archive ends before that");
            switch (type)
            {
                case 'x':
                    (name, size) = Extended(path, at, file.Read(dataAt, Bounded(path, at, length)), name);
                    break;
                case 'L':
                    name = Encoding.UTF8.GetString(file.Read(dataAt, Bounded(path, at, length))).TrimEnd('\0');
                    break;
                case 'g' or 'K':
                    break;
                case '0' or '\0' or '7':
                    Add(path, at, members, new ArchiveMember(name ?? NameOf(header), dataAt, length));
                    (name, size) = (null, null);
                    break;
                case '5':
                    CheckName(path, at, (name ?? NameOf(header)).TrimEnd('/'));
                    (name, size) = (null, null);
                    break;
                default:
                    throw Refused(path, at, $"the member '{Shown(name ?? NameOf(header))}' is a link or a device");
            }

            at = dataAt + ((length + BlockSize - 1) / BlockSize * BlockSize);
        }
    }

    private static void Add(string path, long at, List<ArchiveMember> members, ArchiveMember member)
    {
        CheckName(path, at, member.Name);
        if (members.Any(m => m.Name.Equals(member.Name, StringComparison.OrdinalIgnoreCase)))
            throw Refused(path, at, $"the member '{Shown(member.Name)}' comes twice");
        if (members.Count == MaxMembers)
            throw Refused(path, at, $"it has more than {MaxMembers} members");
        members.Add(member);
    }

    private static void CheckName(string path, long at, string name)
    {
        var isBad = name.Length == 0 || name[0] is '/' or '\\' || name.Contains('\0', StringComparison.Ordinal) || (name.Length > 1 && name[1] == ':')
            || name.Split('/', '\\').Contains("..");
        if (isBad)
            throw Refused(path, at, $"the member '{Shown(name)}' would lie outside the archive");
    }

    private static void CheckHeader(string path, long at, ReadOnlySpan<byte> header)
    {
        long sum = 0;
        for (var i = 0; i < BlockSize; i++)
            sum += i is >= 148 and < 156 ? ' ' : header[i];
        if (Number(header.Slice(148, 8)) != sum)
            throw Damaged(path, at, "a member's header has a wrong checksum");
    }

    private static (string? Name, long? Size) Extended(string path, long at, ReadOnlySpan<byte> records, string? name)
    {
        long? size = null;
        while (!records.IsEmpty)
        {
            var space = records.IndexOf((byte)' ');
            if (space <= 0 || !int.TryParse(records[..space], NumberStyles.None, CultureInfo.InvariantCulture, out var length) || length <= space || length > records.Length)
                throw Damaged(path, at, "an extended header is damaged");
            var record = Encoding.UTF8.GetString(records[(space + 1)..length]).TrimEnd('\n');
            if (record.StartsWith("path=", StringComparison.Ordinal))
                name = record[5..];
            else if (record.StartsWith("size=", StringComparison.Ordinal))
                size = long.TryParse(record.AsSpan(5), NumberStyles.None, CultureInfo.InvariantCulture, out var s) ? s : throw Damaged(path, at, "a member's size is no number");
            records = records[length..];
        }

        return (name, size);
    }

    private static int Bounded(string path, long at, long length) =>
        length <= MaxExtendedHeader ? (int)length : throw Refused(path, at, $"an extended header has {length:N0} bytes");

    private static string NameOf(ReadOnlySpan<byte> header)
    {
        var name = Text(header[..100]);
        var prefix = header[257..].StartsWith("ustar\0"u8) ? Text(header.Slice(345, 155)) : "";
        name = prefix.Length > 0 ? $"{prefix}/{name}" : name;
        return name.StartsWith("./", StringComparison.Ordinal) ? name[2..] : name;
    }

    private static string Text(ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        return Encoding.UTF8.GetString(end < 0 ? bytes : bytes[..end]);
    }

    /// <summary>An octal number; or, with the highest bit set, a binary one.</summary>
    private static long? Number(ReadOnlySpan<byte> bytes)
    {
        long value = 0;
        if ((bytes[0] & 0x80) != 0)
        {
            if (bytes[0] != 0x80 || bytes[1..^8].ContainsAnyExcept((byte)0))
                return null;
            return System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes[^8..]);
        }

        foreach (var b in Text(bytes).Trim())
        {
            if (b is < '0' or > '7')
                return null;
            value = (value << 3) | (uint)(b - '0');
        }

        return value;
    }

    private static string Shown(string name) => string.Concat((name.Length > 100 ? name[..100] + "..." : name).Select(c => char.IsControl(c) ? '?' : c));

    private static IaaSException Damaged(string path, long at, string problem) => new(ErrorKind.InvalidData, "ArchiveDamaged",
        $"{path}: {problem} (at byte {at}).", "Copy or download the archive again and compare sizes.", path);

    private static IaaSException Refused(string path, long at, string problem) => new(ErrorKind.AccessDenied, "ArchiveRefused",
        $"{path}: {problem} (at byte {at}).", "An archive of a machine has no such thing: do not trust it, or unpack it by hand and look.", path);
}
