using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>How a DNS question was answered (RFC 1035, section 4.1.1).</summary>
internal enum DnsCode : byte
{
    /// <summary>It was.</summary>
    NoError = 0,

    /// <summary>It makes no sense.</summary>
    FormatError = 1,

    /// <summary>The server could not find out.</summary>
    ServerFailure = 2,

    /// <summary>There is no such name.</summary>
    NameError = 3,

    /// <summary>The server does not do that.</summary>
    NotImplemented = 4,

    /// <summary>The server does not answer that, or not to everybody.</summary>
    Refused = 5,
}

/// <summary>A DNS query with its one question (RFC 1035, section 4.1).</summary>
/// <param name="Id">Its number.</param>
/// <param name="Name">The name that is asked about, in lower case, without a dot at its end.</param>
/// <param name="Type">What is asked about it.</param>
/// <param name="QuestionLength">How many bytes the question takes after the header.</param>
internal readonly record struct DnsQuery(ushort Id, string Name, ushort Type, int QuestionLength)
{
    public const int Header = 12;
    public const ushort A = 1;
    public const ushort Ptr = 12;
    public const ushort Any = 255;

    private const int LongestName = 255;
    private const ushort Internet = 1;

    /// <summary>Reads a query.</summary>
    /// <param name="message">The message.</param>
    /// <param name="query">The query.</param>
    /// <returns>False when it is an answer, has not one question, or is not whole.</returns>
    public static bool TryRead(ReadOnlySpan<byte> message, out DnsQuery query)
    {
        query = default;
        // A query (QR 0) of the usual kind (OPCODE 0) with one question.
        if (message.Length < Header || (message[2] & 0xF8) != 0 || BinaryPrimitives.ReadUInt16BigEndian(message[4..]) != 1)
            return false;
        var name = new StringBuilder();
        var at = Header;
        while (at < message.Length && message[at] is var length && length != 0)
        {
            // No pointers: there is nothing before a question that it could point to.
            if (length > 63 || at + 1 + length > message.Length || at - Header + length > LongestName)
                return false;
            foreach (var c in message.Slice(at + 1, length))
                name.Append(c is > 32 and < 127 and not (byte)'.' ? char.ToLowerInvariant((char)c) : '?');
            name.Append('.');
            at += 1 + length;
        }

        if (at + 5 > message.Length || BinaryPrimitives.ReadUInt16BigEndian(message[(at + 3)..]) != Internet)
            return false;
        query = new DnsQuery(BinaryPrimitives.ReadUInt16BigEndian(message), name.ToString().TrimEnd('.'), BinaryPrimitives.ReadUInt16BigEndian(message[(at + 1)..]), at + 5 - Header);
        return true;
    }
}

/// <summary>Writes an answer, record by record.</summary>
internal ref struct DnsAnswer
{
    private const ushort Start = 6;
    private const uint TimeToLive = 30;
    private const ushort NameOfQuestion = 0xC000 | DnsQuery.Header;

    private readonly Span<byte> _data;

    /// <summary>Begins an answer with the question it answers.</summary>
    /// <param name="data">Receives it.</param>
    /// <param name="query">The query's bytes.</param>
    /// <param name="questionLength">How many of them are its question.</param>
    /// <param name="code">How it was answered.</param>
    /// <param name="authoritative">Whether the one who answers decides it.</param>
    public DnsAnswer(Span<byte> data, ReadOnlySpan<byte> query, int questionLength, DnsCode code, bool authoritative)
    {
        _data = data;
        Length = DnsQuery.Header + questionLength;
        query[..Length].CopyTo(data);
        data[2] = (byte)(0x80 | (authoritative ? 4 : 0) | (query[2] & 1));
        data[3] = (byte)(0x80 | (byte)code);
        data[6..DnsQuery.Header].Clear();
    }

    public int Length { get; private set; }

    /// <summary>Says that it was cut off for want of room.</summary>
    public readonly void Truncate() => _data[2] |= 2;

    public void AddAddress(uint address)
    {
        Span<byte> value = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(value, address);
        Add(DnsQuery.A, value);
    }

    public void AddPointer(string name)
    {
        Span<byte> value = stackalloc byte[256];
        Add(DnsQuery.Ptr, value[..WriteName(value, name)]);
    }

    /// <summary>Adds who decides about a zone, with which an answer says how long that there is nothing may be believed (RFC 2308).</summary>
    public void AddAuthority(string zone)
    {
        Span<byte> value = stackalloc byte[640];
        var length = WriteName(value, zone.Length > 0 ? "gateway." + zone : "gateway");
        length += WriteName(value[length..], zone.Length > 0 ? "hostmaster." + zone : "hostmaster");
        foreach (var number in (ReadOnlySpan<uint>)[1, 3600, 600, 86400, TimeToLive])
        {
            BinaryPrimitives.WriteUInt32BigEndian(value[length..], number);
            length += 4;
        }

        Span<byte> owner = stackalloc byte[256];
        AddRecord(owner[..WriteName(owner, zone)], Start, value[..length]);
        _data[9]++;
    }

    private void Add(ushort type, scoped ReadOnlySpan<byte> value)
    {
        Span<byte> owner = stackalloc byte[2];
        BinaryPrimitives.WriteUInt16BigEndian(owner, NameOfQuestion);
        AddRecord(owner, type, value);
        _data[7]++;
    }

    private void AddRecord(scoped ReadOnlySpan<byte> owner, ushort type, scoped ReadOnlySpan<byte> value)
    {
        var record = _data[Length..];
        owner.CopyTo(record);
        record = record[owner.Length..];
        BinaryPrimitives.WriteUInt16BigEndian(record, type);
        BinaryPrimitives.WriteUInt16BigEndian(record[2..], 1);
        BinaryPrimitives.WriteUInt32BigEndian(record[4..], TimeToLive);
        BinaryPrimitives.WriteUInt16BigEndian(record[8..], (ushort)value.Length);
        value.CopyTo(record[10..]);
        Length += owner.Length + 10 + value.Length;
    }

    private static int WriteName(Span<byte> data, string name)
    {
        var at = 0;
        foreach (var label in name.Length == 0 ? [] : name.Split('.'))
        {
            data[at] = (byte)Encoding.ASCII.GetBytes(label, data[(at + 1)..]);
            at += 1 + data[at];
        }

        data[at] = 0;
        return at + 1;
    }
}
