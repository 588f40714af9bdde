using System.Buffers.Binary;
using System.Security.Cryptography;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>
/// A client's question on its way to another server: under a number of its own each time, chosen by chance, by which its answer is known (RFC 5452).
/// Bytes in, bytes out.
/// </summary>
/// <param name="message">The client's query.</param>
/// <param name="query">The same, read.</param>
internal sealed class DnsExchange(byte[] message, DnsQuery query)
{
    private ushort _id;

    /// <summary>The client's query.</summary>
    public ReadOnlySpan<byte> Message => message;

    /// <summary>The query as it is to be sent, under a new number.</summary>
    public byte[] Next()
    {
        _id = (ushort)RandomNumberGenerator.GetInt32(65536);
        var sent = message.ToArray();
        BinaryPrimitives.WriteUInt16BigEndian(sent, _id);
        return sent;
    }

    /// <summary>Takes an answer, if it is one to this question, and makes it the client's.</summary>
    /// <param name="answer">What came; the answer for the client when it is one.</param>
    /// <param name="length">How much came; the answer's length when it is one.</param>
    public bool TryAccept(Span<byte> answer, ref int length)
    {
        var end = DnsQuery.Header + query.QuestionLength;
        if (length < end || (answer[2] & 0x80) == 0 || BinaryPrimitives.ReadUInt16BigEndian(answer) != _id
            || !answer[DnsQuery.Header..end].SequenceEqual(message.AsSpan(DnsQuery.Header, query.QuestionLength)))
            return false;
        BinaryPrimitives.WriteUInt16BigEndian(answer, query.Id);
        if (length <= DnsServer.LongestAnswer)
            return true;

        // More than a frame holds: the client is told that there would be more.
        answer[2] |= 2;
        answer.Slice(6, 6).Clear();
        length = end;
        return true;
    }
}
