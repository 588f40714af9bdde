using System.Net;
using System.Net.Sockets;
using AzureIaaS.Local.Networking.Switching;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>Whom names are asked of: those under a suffix of somebody, and all others of somebody else.</summary>
/// <param name="Suffix">The suffix; empty for all names.</param>
/// <param name="Servers">The servers, the first asked first.</param>
internal sealed record DnsRoute(string Suffix, IReadOnlyList<IPEndPoint> Servers);

/// <summary>
/// Asks other servers for those names that are none of the network's. Each question goes out by a socket and under a number of its own, chosen by
/// chance, and only an answer to it that comes from where it went is believed (RFC 5452).
/// </summary>
internal sealed class DnsForwarder(Action<PortIdentity, ushort, ReadOnlyMemory<byte>> answer) : IPollable, IDisposable
{
    private const int MostAtOnce = 256;
    private const int MostOfOne = 32;
    private const int LongestMessage = 4096;
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(2);

    private readonly List<Question> _open = [];
    private readonly byte[] _buffer = new byte[LongestMessage];

    /// <summary>Whom what is asked of.</summary>
    public IReadOnlyList<DnsRoute> Routes { get; set; } = [];

    /// <summary>Asks for a name.</summary>
    /// <param name="message">The query.</param>
    /// <param name="client">Who asks.</param>
    /// <param name="port">The port it asks from.</param>
    /// <returns>False when nobody can be asked.</returns>
    public bool TryForward(ReadOnlySpan<byte> message, PortIdentity client, ushort port)
    {
        if (!DnsQuery.TryRead(message, out var query) || message.Length > LongestMessage || _open.Count >= MostAtOnce || _open.Count(q => q.Client == client) >= MostOfOne)
            return false;
        var route = Routes.Where(r => r.Suffix.Length == 0 || query.Name == r.Suffix || query.Name.EndsWith("." + r.Suffix, StringComparison.Ordinal))
            .MaxBy(r => r.Suffix.Length);
        if (route is null || route.Servers.Count == 0)
            return false;
        var question = new Question(new DnsExchange(message.ToArray(), query), client, port, route.Servers);
        if (!question.Ask())
            return false;
        _open.Add(question);
        return true;
    }

    public void Prepare(List<Kernel.PollEntry> entries, ref int milliseconds)
    {
        foreach (var question in _open)
            entries.Add(new Kernel.PollEntry { File = question.File, Events = Kernel.Readable });
    }

    public void Happened(ReadOnlySpan<Kernel.PollEntry> entries)
    {
        // What was asked meanwhile has no entry yet, and lies behind those that have.
        for (var i = entries.Length - 1; i >= 0; i--)
        {
            var question = _open[i];
            if (entries[i].Happened != 0 && question.TryReceive(_buffer, out var length))
            {
                answer(question.Client, question.Port, _buffer.AsMemory(0, length));
                Close(i);
            }
            else if (question.Asked + AnswerWithin.TotalMilliseconds < Environment.TickCount64 && !question.Ask())
            {
                length = DnsServer.Refuse(question.Message, DnsCode.ServerFailure, _buffer);
                answer(question.Client, question.Port, _buffer.AsMemory(0, length));
                Close(i);
            }
        }
    }

    public void Dispose() => _open.ForEach(q => q.Dispose());

    private void Close(int index)
    {
        _open[index].Dispose();
        _open.RemoveAt(index);
    }

    /// <summary>A question that waits for its answer.</summary>
    private sealed class Question(DnsExchange exchange, PortIdentity client, ushort port, IReadOnlyList<IPEndPoint> servers) : IDisposable
    {
        private Socket? _socket;
        private int _next;

        public PortIdentity Client => client;

        public ushort Port => port;

        public ReadOnlySpan<byte> Message => exchange.Message;

        public long Asked { get; private set; }

        public int File => (int)_socket!.Handle;

        /// <summary>Asks the next server.</summary>
        /// <returns>False when all were asked.</returns>
        public bool Ask()
        {
            for (; _next < servers.Count; _next++)
            {
                _socket?.Dispose();
                _socket = new Socket(servers[_next].AddressFamily, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
                try
                {
                    _socket.Connect(servers[_next]);
                    _socket.Send(exchange.Next());
                    (Asked, _next) = (Environment.TickCount64, _next + 1);
                    return true;
                }
                catch (SocketException)
                {
                    // It cannot be reached; the next one may.
                }
            }

            return false;
        }

        /// <summary>Takes an answer, if it is one to this question.</summary>
        public bool TryReceive(byte[] buffer, out int length)
        {
            length = _socket!.Receive(buffer, SocketFlags.None, out var error);
            return error == SocketError.Success && exchange.TryAccept(buffer, ref length);
        }

        public void Dispose() => _socket?.Dispose();
    }
}
