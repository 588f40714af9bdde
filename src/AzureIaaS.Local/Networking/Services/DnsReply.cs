using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>Where a service is (RFC 2782).</summary>
/// <param name="Priority">The lowest is to be asked first.</param>
/// <param name="Port">The port.</param>
/// <param name="Target">The host's name, in lower case.</param>
internal sealed record DnsService(ushort Priority, ushort Port, string Target);

/// <summary>What an answer says of services and addresses; anything else in it is passed over. Bytes in, records out.</summary>
internal sealed class DnsReply
{
    public const ushort Srv = 33;

    private const int MostRecords = 200;
    private const int MostJumps = 16;
    private const int LongestName = 255;

    public DnsCode Code { get; private init; }

    public List<DnsService> Services { get; } = [];

    public List<(string Name, uint Address)> Addresses { get; } = [];

    /// <summary>Writes a query.</summary>
    /// <param name="name">The name, checked before.</param>
    /// <param name="type">What is asked about it.</param>
    public static byte[] Query(string name, ushort type) =>
    [
        0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. name.Split('.').SelectMany(l => (byte[])[(byte)l.Length, .. Encoding.ASCII.GetBytes(l)]), 0,
        (byte)(type >> 8), (byte)type, 0, 1,
    ];

    /// <summary>Reads an answer.</summary>
    /// <param name="message">Its bytes.</param>
    /// <returns>What it says; null when it makes no sense.</returns>
    public static DnsReply? Read(ReadOnlySpan<byte> message)
    {
        if (message.Length < DnsQuery.Header || (message[2] & 0x80) == 0)
            return null;
        var reply = new DnsReply { Code = (DnsCode)(message[3] & 15) };
        var at = DnsQuery.Header;
        for (var i = BinaryPrimitives.ReadUInt16BigEndian(message[4..]); i > 0; i--)
        {
            if (ReadName(message, ref at) is null || (at += 4) > message.Length)
                return null;
        }

        var records = BinaryPrimitives.ReadUInt16BigEndian(message[6..]) + BinaryPrimitives.ReadUInt16BigEndian(message[8..]) + BinaryPrimitives.ReadUInt16BigEndian(message[10..]);
        for (var i = 0; i < Math.Min(records, MostRecords); i++)
        {
            if (ReadName(message, ref at) is not { } name || at + 10 > message.Length)
                return null;
            var type = BinaryPrimitives.ReadUInt16BigEndian(message[at..]);
            var length = BinaryPrimitives.ReadUInt16BigEndian(message[(at + 8)..]);
            at += 10;
            if (at + length > message.Length)
                return null;
            if (type == DnsQuery.A && length == 4)
            {
                reply.Addresses.Add((name, BinaryPrimitives.ReadUInt32BigEndian(message[at..])));
            }
            else if (type == Srv && length > 6)
            {
                var target = at + 6;
                if (ReadName(message, ref target) is not { } host)
                    return null;
                reply.Services.Add(new DnsService(BinaryPrimitives.ReadUInt16BigEndian(message[at..]), BinaryPrimitives.ReadUInt16BigEndian(message[(at + 4)..]), host));
            }

            at += length;
        }

        return reply;
    }

    /// <summary>Reads a name, which may end with a pointer to an earlier place (RFC 1035, section 4.1.4); pointers may not go on for ever.</summary>
    private static string? ReadName(ReadOnlySpan<byte> message, ref int at)
    {
        var (name, position, jumps) = (new StringBuilder(), at, 0);
        while (position < message.Length && name.Length <= LongestName)
        {
            var length = message[position];
            if (length >= 0xC0)
            {
                if (position + 2 > message.Length || ++jumps > MostJumps)
                    return null;
                at = jumps == 1 ? position + 2 : at;
                position = BinaryPrimitives.ReadUInt16BigEndian(message[position..]) & 0x3FFF;
                continue;
            }

            if (length > 63 || position + 1 + length > message.Length)
                return null;
            if (length == 0)
            {
                at = jumps == 0 ? position + 1 : at;
                return name.ToString().TrimEnd('.');
            }

            foreach (var c in message.Slice(position + 1, length))
                name.Append(c is > 32 and < 127 and not (byte)'.' ? char.ToLowerInvariant((char)c) : '?');
            name.Append('.');
            position += 1 + length;
        }

        return null;
    }
}
