using System.Security.Cryptography;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>Whom a site's names are asked of.</summary>
/// <param name="Suffix">What they end with.</param>
/// <param name="Servers">The servers' addresses in the site, the first asked first.</param>
internal sealed record SiteNames(string Suffix, IReadOnlyList<uint> Servers)
{
    /// <summary>Whether a name is one of them.</summary>
    public bool Has(string name) => name == Suffix || name.EndsWith("." + Suffix, StringComparison.Ordinal);
}

/// <summary>
/// Asks a site's DNS servers for the site's names (conditional forwarding): by packets from the network's gateway address, since this computer itself
/// has no way into the site. For the switch's thread alone.
/// </summary>
/// <param name="send">Sends a datagram from a port of the gateway's to a server.</param>
/// <param name="answer">Gives a client its answer.</param>
internal sealed class SiteDns(SiteDns.Sender send, Action<PortIdentity, ushort, ReadOnlyMemory<byte>> answer) : IPollable
{
    private const int MostAtOnce = 256;
    private const int MostOfOne = 32;
    private const int LongestMessage = 4096;
    private const int FirstPort = 49152;   // those for whoever needs one (RFC 6335)
    private const int Ports = 11000;   // below the prober's
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(2);

    private readonly List<Question> _open = [];
    private readonly byte[] _buffer = new byte[LongestMessage];

    /// <summary>Sends a datagram.</summary>
    public delegate void Sender(uint server, ushort fromPort, ReadOnlySpan<byte> data);

    /// <summary>The sites' names.</summary>
    public IReadOnlyList<SiteNames> Names { get; set; } = [];

    /// <summary>Asks for a name.</summary>
    /// <param name="message">The query.</param>
    /// <param name="client">Who asks.</param>
    /// <param name="port">The port it asks from.</param>
    /// <returns>False when the name is no site's, or too much is being asked.</returns>
    public bool TryForward(ReadOnlySpan<byte> message, PortIdentity client, ushort port)
    {
        if (Names.Count == 0 || !DnsQuery.TryRead(message, out var query) || message.Length > LongestMessage
            || Names.Where(n => n.Has(query.Name)).MaxBy(n => n.Suffix.Length) is not { } names || _open.Count >= MostAtOnce || _open.Count(q => q.Client == client) >= MostOfOne)
            return false;
        var question = new Question(new DnsExchange(message.ToArray(), query), client, port, names.Servers);
        Ask(question);
        _open.Add(question);
        return true;
    }

    /// <summary>Takes a packet to the gateway, if it answers a question.</summary>
    /// <returns>False when it does not.</returns>
    public bool TryTake(Ipv4 packet)
    {
        if (_open.Count == 0 || packet.SourcePort != DnsServer.Port || !packet.TryReadUdp(out var data) || data.Length > LongestMessage)
            return false;
        for (var i = 0; i < _open.Count; i++)
        {
            var question = _open[i];
            if (question.From != packet.DestinationPort || question.Server != packet.Source)
                continue;
            data.CopyTo(_buffer);
            var length = data.Length;
            if (!question.Exchange.TryAccept(_buffer, ref length))
                return true;   // not the answer to what was asked: whoever forged it is not believed
            _open.RemoveAt(i);
            answer(question.Client, question.Port, _buffer.AsMemory(0, length));
            return true;
        }

        return false;
    }

    public void Prepare(List<Kernel.PollEntry> entries, ref int milliseconds)
    {
        // Nothing of its own: its answers come as packets.
    }

    public void Happened(ReadOnlySpan<Kernel.PollEntry> entries)
    {
        for (var i = _open.Count - 1; i >= 0; i--)
        {
            var question = _open[i];
            if (Environment.TickCount64 - question.Asked < AnswerWithin.TotalMilliseconds)
                continue;
            if (question.Next < question.Servers.Count)
            {
                Ask(question);
                continue;
            }

            _open.RemoveAt(i);
            var length = DnsServer.Refuse(question.Exchange.Message, DnsCode.ServerFailure, _buffer);
            answer(question.Client, question.Port, _buffer.AsMemory(0, length));
        }
    }

    private void Ask(Question question)
    {
        question.Server = question.Servers[question.Next++];
        question.From = (ushort)(FirstPort + RandomNumberGenerator.GetInt32(Ports));
        question.Asked = Environment.TickCount64;
        send(question.Server, question.From, question.Exchange.Next());
    }

    private sealed record Question(DnsExchange Exchange, PortIdentity Client, ushort Port, IReadOnlyList<uint> Servers)
    {
        public int Next { get; set; }

        public uint Server { get; set; }

        public ushort From { get; set; }

        public long Asked { get; set; }
    }
}
