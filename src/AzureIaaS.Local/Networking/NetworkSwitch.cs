using System.Net;
using System.Net.Sockets;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Networking.Egress;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Networks;

namespace AzureIaaS.Local.Networking;

/// <summary>A network's switch with its servers, on a thread of its own. What it has to know is handed to it; it asks no database.</summary>
internal sealed class NetworkSwitch : IDisposable
{
    private const int Slots = 8192;

    private readonly FramePool _pool = new(Slots);
    private readonly LearningSwitch _switch;
    private readonly SwitchLoop _loop;
    private readonly Gateway _gateway;
    private readonly PeerLink _peers;
    private readonly Dictionary<(Guid Vm, string Adapter, string Listen), SwitchPort> _ports = [];
    private readonly Dictionary<Forward, string?> _forwards = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Thread _thread;
    private SwitchPlan _given;
    private SwitchMember? _shell;
    private int _nextIndex = LearningSwitch.GatewayIndex + 1;
    private string? _egressProblem;

    /// <summary>Begins.</summary>
    /// <param name="plan">What it has to know.</param>
    /// <param name="files">Its files.</param>
    /// <param name="leased">Called when a member was given its address; on the switch's thread.</param>
    public NetworkSwitch(SwitchPlan plan, NetworkFiles files, Action<PortIdentity> leased)
    {
        _given = plan;
        _gateway = new Gateway(plan, frame => _switch!.Send(frame.Span)) { Leased = leased };
        _switch = new LearningSwitch(_pool) { Gateway = _gateway };
        _loop = new SwitchLoop(_switch, _pool, files.Wake);
        _peers = new PeerLink(files.Peers, _gateway.ReceiveFromPeer);
        _gateway.Peers = _peers;
        _loop.Pollables.AddRange([_gateway.Forwarder, _gateway.SiteDns, _peers]);
        Apply(plan);
        _thread = new Thread(() => _loop.Run(_stop.Token)) { IsBackground = true, Name = "switch" };
        _thread.Start();
    }

    /// <summary>Takes note of a new plan.</summary>
    /// <param name="plan">The plan.</param>
    /// <returns>What of it could not be done, each as a sentence.</returns>
    public Task<IReadOnlyList<string>> ApplyAsync(SwitchPlan plan) => _loop.CallAsync(() => Apply(plan));

    /// <summary>Asks a member.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="port">The TCP port; null for a ping.</param>
    /// <param name="timeout">How long its answer is waited for.</param>
    public async Task<ProbeResult> ProbeAsync(uint address, int? port, TimeSpan timeout)
    {
        // Whoever is behind a peer has no hardware address here.
        var result = await AskAsync<ProbeResult?>(done => _gateway.Prober.Ask(_gateway.Identity, _gateway.Plan.Find(address)?.Identity ?? new PortIdentity(0, address), port, r => done(r)), timeout);
        return result ?? ProbeResult.Silent;
    }

    /// <summary>Asks for a name, as a member would.</summary>
    /// <param name="query">The DNS query.</param>
    /// <param name="timeout">How long an answer is waited for.</param>
    /// <returns>The answer; null when none comes.</returns>
    public Task<byte[]?> ResolveAsync(byte[] query, TimeSpan timeout) => AskAsync<byte[]>(done => _gateway.Resolve(query, done), timeout);

    /// <summary>Asks a computer behind a peer for its time.</summary>
    /// <param name="address">Its address.</param>
    /// <param name="timeout">How long its answer is waited for.</param>
    /// <returns>How far its clock is ahead of this computer's; null when it does not say.</returns>
    public Task<TimeSpan?> AskTimeAsync(uint address, TimeSpan timeout) => AskAsync<TimeSpan?>(done => _gateway.TimeProbe.Ask(address, t => done(t)), timeout);

    /// <summary>Opens a free port of the loopback that leads to a member.</summary>
    /// <param name="address">The member's address.</param>
    /// <param name="port">Its port.</param>
    /// <returns>What was opened; null when it could not be.</returns>
    public Task<Forward?> OpenAsync(uint address, int port) => _loop.CallAsync<Forward?>(() =>
    {
        if (_gateway.Plan.Find(address) is null || EgressOrProblem() is not { } egress)
            return null;
        var forward = new Forward(AddressPool.ToNumber(IPAddress.Loopback), FreePort(), address, port, Udp: false);
        return egress.Open(forward) ? forward : null;
    });

    /// <summary>Closes what <see cref="OpenAsync"/> opened.</summary>
    /// <param name="forward">It.</param>
    public void Close(Forward forward) => _loop.Post(() => _gateway.Egress?.Close(forward));

    /// <summary>Gives a place that no machine has.</summary>
    /// <param name="member">The place.</param>
    /// <returns>False when it is given already.</returns>
    public Task<bool> AttachAsync(SwitchMember member) => _loop.CallAsync(() =>
    {
        if (_shell is not null)
            return false;
        _shell = member;
        Apply(_given);
        return true;
    });

    /// <summary>Takes that place back.</summary>
    public void Detach() => _loop.Post(() =>
    {
        _shell = null;
        Apply(_given);
    });

    /// <summary>How many frames each port has carried.</summary>
    public Task<IReadOnlyList<PortCounters>> CountAsync() => _loop.CallAsync<IReadOnlyList<PortCounters>>(() =>
        [.. _ports.Select(p => new PortCounters(_gateway.Plan.Find(p.Value.Identity.Address)?.HostName ?? "", p.Key.Adapter, p.Value.Received, p.Value.Refused, p.Value.Sent, p.Value.Dropped))]);

    public void Dispose()
    {
        _stop.Cancel();
        _thread.Join();
        _gateway.Egress?.Dispose();
        _gateway.Forwarder.Dispose();
        _peers.Dispose();
        _loop.Dispose();
        _pool.Dispose();
        _stop.Dispose();
    }

    /// <summary>Asks something on the switch's thread, and waits for its answer a while.</summary>
    /// <param name="ask">Asks; gives what ends the question.</param>
    /// <param name="timeout">How long.</param>
    private async Task<T?> AskAsync<T>(Func<Action<T>, Action> ask, TimeSpan timeout)
    {
        var answer = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        var end = await _loop.CallAsync(() => ask(a => answer.TrySetResult(a)));
        await Task.WhenAny(answer.Task, Task.Delay(timeout));
        _loop.Post(end);
        return answer.Task.IsCompleted ? await answer.Task : default;
    }

    private static int FreePort()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)socket.LocalEndPoint!).Port;
    }

    private IReadOnlyList<string> Apply(SwitchPlan plan)
    {
        _given = plan;
        if (_shell is not null)
            plan = plan with { Members = [.. plan.Members, _shell] };
        _gateway.Plan = plan;
        _gateway.SiteDns.Names = plan.SiteNames;
        _gateway.Forwarder.Routes = SwitchPlanner.DnsRoutes(plan.Network);
        ApplyPorts(plan);
        if (!plan.Network.Isolated || plan.Forwards.Count > 0)
            EgressOrProblem();
        ApplyForwards(plan);
        return [.. new[] { _egressProblem }.Concat(_forwards.Values).OfType<string>()];
    }

    private void ApplyPorts(SwitchPlan plan)
    {
        var wanted = plan.Members.SelectMany(m => m.Places.Select(p => (Key: (m.Vm, m.Adapter, p.Listen), Member: m, Place: p))).ToDictionary(w => w.Key);
        foreach (var (key, port) in _ports.Where(p => !wanted.TryGetValue(p.Key, out var w) || w.Member.Identity != p.Value.Identity).ToList())
        {
            _switch.Remove(port);
            _ports.Remove(key);
        }

        foreach (var (key, want) in wanted.Where(w => !_ports.ContainsKey(w.Key)))
        {
            var port = _ports[key] = new SwitchPort(_pool, _nextIndex++, want.Member.Identity, want.Place);
            port.Check();
            _switch.Add(port);
        }

        foreach (var port in _ports.Values)
            port.Check();
    }

    private void ApplyForwards(SwitchPlan plan)
    {
        foreach (var old in _forwards.Keys.Where(f => !plan.Forwards.Contains(f)).ToList())
        {
            if (_forwards[old] is null)
                _gateway.Egress?.Close(old);
            _forwards.Remove(old);
        }

        // One that could not be opened is tried again each time: the port may be free now.
        foreach (var forward in plan.Forwards.Where(f => !_forwards.TryGetValue(f, out var problem) || problem is not null))
        {
            _forwards[forward] = _gateway.Egress is not { } egress || egress.Open(forward) ? null
                : $"{AddressPool.ToAddress(forward.HostAddress)}:{forward.HostPort} cannot be listened at: another program may have it, or only root may.";
        }
    }

    private IEgress? EgressOrProblem()
    {
        if (_gateway.Egress is not null)
            return _gateway.Egress;
        try
        {
            _gateway.Egress = new SlirpEgress(_gateway);
            _loop.Pollables.Add(_gateway.Egress);
            _egressProblem = null;
        }
        catch (IaaSException e)
        {
            _egressProblem = $"{e.Message} {e.Remedy}";
        }

        return _gateway.Egress;
    }
}
