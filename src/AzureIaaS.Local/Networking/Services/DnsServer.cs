using System.Globalization;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>
/// Answers for the names and addresses of a network's members, whether they run or not; other names it leaves to those who know them. Pure: bytes
/// in, bytes out.
/// </summary>
internal static class DnsServer
{
    /// <summary>The port that it listens at.</summary>
    public const ushort Port = 53;

    /// <summary>The longest answer: what fits a frame with any options around it.</summary>
    public const int LongestAnswer = 1400;

    private const string ReverseSuffix = ".in-addr.arpa";
    private const string GatewayLabel = "gateway";
    private const int MostAddresses = 16;

    /// <summary>Answers a query.</summary>
    /// <param name="message">The query.</param>
    /// <param name="plan">The network.</param>
    /// <param name="answer">Receives the answer: <see cref="LongestAnswer"/> bytes at least.</param>
    /// <param name="length">The answer's length; 0 for none.</param>
    /// <returns>False when the name is none of the network's: then another may know it.</returns>
    public static bool TryAnswer(ReadOnlySpan<byte> message, SwitchPlan plan, Span<byte> answer, out int length)
    {
        length = 0;
        if (!DnsQuery.TryRead(message, out var query))
        {
            // Only what is a query at all is told that it makes no sense: two servers could go on telling each other.
            if (message.Length >= DnsQuery.Header && (message[2] & 0x80) == 0)
            {
                _ = new DnsAnswer(answer, message, 0, (message[2] & 0x78) != 0 ? DnsCode.NotImplemented : DnsCode.FormatError, false);
                answer[4..DnsQuery.Header].Clear();   // without its question, which made no sense
                length = DnsQuery.Header;
            }

            return true;
        }

        if (HostLabel(query.Name, plan) is { } label)
        {
            length = AnswerName(message, query, label, plan, answer);
            return true;
        }

        if (ReverseAddress(query.Name) is { } address && plan.IsOwn(address))
        {
            length = AnswerAddress(message, query, address, plan, answer);
            return true;
        }

        return false;
    }

    /// <summary>An answer that only says how it went.</summary>
    /// <param name="message">The query.</param>
    /// <param name="code">How it went.</param>
    /// <param name="answer">Receives the answer.</param>
    /// <returns>Its length.</returns>
    public static int Refuse(ReadOnlySpan<byte> message, DnsCode code, Span<byte> answer) =>
        DnsQuery.TryRead(message, out var query) ? new DnsAnswer(answer, message, query.QuestionLength, code, false).Length : 0;

    /// <summary>The label of a name in the network's zone, empty for the zone itself; null for a name elsewhere.</summary>
    private static string? HostLabel(string name, SwitchPlan plan)
    {
        if (plan.DnsSuffix.Length == 0)
            return name.Length > 0 && !name.Contains('.', StringComparison.Ordinal) ? name : null;
        if (name == plan.DnsSuffix)
            return "";
        return name.EndsWith("." + plan.DnsSuffix, StringComparison.Ordinal) ? name[..^(plan.DnsSuffix.Length + 1)] : null;
    }

    private static int AnswerName(ReadOnlySpan<byte> message, DnsQuery query, string label, SwitchPlan plan, Span<byte> answer)
    {
        var addresses = plan.Members.Where(m => m.HostName == label).Select(m => m.Identity.Address).Take(MostAddresses).ToList();
        if (label == GatewayLabel)
            addresses.Add(plan.Gateway.Address);
        var exists = addresses.Count > 0 || label.Length == 0;
        var asks = query.Type is DnsQuery.A or DnsQuery.Any;
        var made = new DnsAnswer(answer, message, query.QuestionLength, exists ? DnsCode.NoError : DnsCode.NameError, true);
        if (asks)
        {
            foreach (var address in addresses)
                made.AddAddress(address);
        }

        if (!asks || addresses.Count == 0)
            made.AddAuthority(plan.DnsSuffix);
        return made.Length;
    }

    private static int AnswerAddress(ReadOnlySpan<byte> message, DnsQuery query, uint address, SwitchPlan plan, Span<byte> answer)
    {
        var label = address == plan.Gateway.Address ? GatewayLabel : plan.Find(address)?.HostName;
        var made = new DnsAnswer(answer, message, query.QuestionLength, label is null ? DnsCode.NameError : DnsCode.NoError, true);
        if (label is not null && query.Type is DnsQuery.Ptr or DnsQuery.Any)
            made.AddPointer(plan.DnsSuffix.Length > 0 ? $"{label}.{plan.DnsSuffix}" : label!);
        else
            made.AddAuthority("in-addr.arpa");
        return made.Length;
    }

    private static uint? ReverseAddress(string name)
    {
        if (!name.EndsWith(ReverseSuffix, StringComparison.Ordinal) || name[..^ReverseSuffix.Length].Split('.') is not { Length: 4 } parts)
            return null;
        var address = 0u;
        for (var i = 3; i >= 0; i--)
        {
            if (!byte.TryParse(parts[i], NumberStyles.None, CultureInfo.InvariantCulture, out var part))
                return null;
            address = (address << 8) | part;
        }

        return address;
    }
}
