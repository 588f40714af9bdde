using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Networks;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Networking;

/// <summary>
/// The process that is a network's switch, around the switch itself: one per network, by a lock; follows what is remembered, takes commands, writes
/// down what guests were given, and ends when no machine on the network runs.
/// </summary>
internal sealed class SwitchHost(LocalServices services, Guid network, IProgress<Notice> notices) : IDisposable
{
    private const int LongestCommand = 4096;
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan StayIdle = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan OwnWithin = TimeSpan.FromSeconds(2);

    private readonly NetworkFiles _files = services.Layout.Network(network);
    private readonly ConcurrentQueue<PortIdentity> _leased = new();
    private readonly SemaphoreSlim _reading = new(1);
    private SwitchPlan? _plan;
    private NetworkSwitch? _switch;
    private int _connections;

    /// <summary>The lock that says who is a network's switch.</summary>
    public static string LockName(Guid network) => $"switch-{network:N}";

    /// <summary>Runs until nobody needs it, or until cancelled.</summary>
    /// <param name="stay">Whether to go on when no machine on the network runs.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>False when another process is the network's switch already.</returns>
    public async Task<bool> RunAsync(bool stay, CancellationToken cancellation)
    {
        // Whoever looks whether a switch runs holds the lock for a moment.
        using var owner = await services.Store.Locks.AcquireAsync(LockName(network), OwnWithin, cancellation);
        if (owner is null)
            return false;
        services.Layout.Create();
        PrivateFolder.Create(_files.Run);
        _plan = SwitchPlanner.Make(services.Store, services.Layout, network);
        if (_plan is null)
            return true;
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var listener = Listen();
        _switch = new NetworkSwitch(_plan, _files, _leased.Enqueue);
        notices.Report(Notice.Verbose($"{_plan.Network.Name}: the switch runs."));
        var serving = ServeAsync(listener, stop.Token);
        try
        {
            await FollowAsync(owner, stay, cancellation);
        }
        finally
        {
            await stop.CancelAsync();
            await serving;
            _switch.Dispose();
            _switch = null;
        }

        if (Directory.Exists(_files.Run))
            Directory.Delete(_files.Run, recursive: true);
        return true;
    }

    public void Dispose()
    {
        _switch?.Dispose();
        _reading.Dispose();
    }

    private async Task FollowAsync(IDisposable owner, bool stay, CancellationToken cancellation)
    {
        long? version = null;
        var idleSince = Environment.TickCount64;
        while (services.Store.Locks.IsInPlace(owner, LockName(network)))
        {
            if (version != (version = services.Store.Version))
                await TrySyncAsync();
            NoteLeases();
            if (_plan is null)
                return;   // the network was removed
            if (_plan.HasRunning || Volatile.Read(ref _connections) > 0)
                idleSince = Environment.TickCount64;
            else if (!stay && Environment.TickCount64 - idleSince > StayIdle.TotalMilliseconds)
                return;
            try
            {
                await Task.Delay(LookEvery, cancellation);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    /// <summary>What is known goes on counting while the state cannot be read: the disk may be full, and the guests' traffic needs none.</summary>
    private async Task TrySyncAsync()
    {
        try
        {
            await SyncAsync();
        }
        catch (IaaSException e)
        {
            notices.Report(Notice.Warning($"What was changed could not be read: {e.Message}"));
        }
    }

    private async Task<IReadOnlyList<string>> SyncAsync()
    {
        await _reading.WaitAsync();
        try
        {
            _plan = SwitchPlanner.Make(services.Store, services.Layout, network);
            var problems = _plan is null ? [] : await _switch!.ApplyAsync(_plan);
            foreach (var problem in problems)
                notices.Report(Notice.Warning(problem));
            return problems;
        }
        finally
        {
            _reading.Release();
        }
    }

    private void NoteLeases()
    {
        while (_leased.TryDequeue(out var identity))
        {
            var member = services.Store.Networks.Members(network).FirstOrDefault(m => SwitchPlanner.IdentityOf(m) == identity);
            try
            {
                if (member is not null)
                    services.Store.Networks.NoteLease(member, services.Time.GetUtcNow());
            }
            catch (IaaSException e)
            {
                notices.Report(Notice.Warning($"{member!.HostName}: that it was given its address could not be noted: {e.Message}"));
            }
        }
    }

    private Socket Listen()
    {
        File.Delete(_files.Control);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(_files.Control));
        listener.Listen();
        return listener;
    }

    private async Task ServeAsync(Socket listener, CancellationToken cancellation)
    {
        var clients = new List<Task>();
        try
        {
            while (true)
            {
                var client = await listener.AcceptAsync(cancellation);
                clients.RemoveAll(c => c.IsCompleted);
                clients.Add(ServeClientAsync(client, cancellation));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(clients);
        }
    }

    private async Task ServeClientAsync(Socket client, CancellationToken cancellation)
    {
        var (opened, attached) = (new List<Forward>(), false);
        Interlocked.Increment(ref _connections);
        try
        {
            using var stream = new NetworkStream(client, ownsSocket: true);
            using var reader = new StreamReader(stream, Encoding.UTF8, false, LongestCommand);
            while (await reader.ReadLineAsync(cancellation) is { Length: <= LongestCommand } line)
            {
                var request = JsonSerializer.Deserialize(line, SwitchJson.Default.SwitchRequest)!;
                var response = request.Command == SwitchCommand.Attach ? await AttachAsync() : await AnswerAsync(request, opened);
                attached |= response.Peer is not null;
                await stream.WriteAsync(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(response, SwitchJson.Default.SwitchResponse) + "\n"), cancellation);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or JsonException or IaaSException)
        {
            // It has gone, or the switch goes.
        }
        finally
        {
            opened.ForEach(_switch!.Close);
            if (attached)
                _switch.Detach();
            Interlocked.Decrement(ref _connections);
        }
    }

    /// <summary>The third address is kept for a command of this computer's on the network.</summary>
    private async Task<SwitchResponse> AttachAsync()
    {
        const uint FromGateway = 2;
        var identity = new PortIdentity(0x525400FFFF03, _plan!.Gateway.Address + FromGateway);
        var place = new PortPlace(Path.Combine(_files.Run, "shell.net"), Path.Combine(_files.Run, "shell.nic"));
        if (!await _switch!.AttachAsync(new SwitchMember(Guid.Empty, "shell", identity, "shell", [place])))
            return new SwitchResponse { Problems = ["Another command of this computer's has its place on the network already."] };
        return new SwitchResponse { Address = AddressPool.ToAddress(identity.Address).ToString(), MacAddress = MacAddress.Normalize(identity.Mac.ToString("x12", System.Globalization.CultureInfo.InvariantCulture)), Listen = place.Listen, Peer = place.Peer };
    }

    private static TimeSpan Patience(SwitchRequest request) => TimeSpan.FromMilliseconds(Math.Clamp(request.Milliseconds, 1, 10_000));

    private async Task<SwitchResponse> AnswerAsync(SwitchRequest request, List<Forward> opened)
    {
        var address = request.Address is { } text && IPAddress.TryParse(text, out var parsed) ? AddressPool.ToNumber(parsed) : 0;
        var response = new SwitchResponse { ProcessId = Environment.ProcessId };
        switch (request.Command)
        {
            case SwitchCommand.Sync:
                return response with { Problems = await SyncAsync() };
            case SwitchCommand.Probe:
                var result = await _switch!.ProbeAsync(address, request.Port, Patience(request));
                return response with { Result = result.ToString() };
            case SwitchCommand.Resolve when request.Query is { } query:
                return response with { Answer = await _switch!.ResolveAsync(query, Patience(request)) };
            case SwitchCommand.Time:
                return response with { Offset = await _switch!.AskTimeAsync(address, Patience(request)) };
            case SwitchCommand.Forward when request.Port is { } port && await _switch!.OpenAsync(address, port) is { } forward:
                opened.Add(forward);
                return response with { Endpoint = $"{AddressPool.ToAddress(forward.HostAddress)}:{forward.HostPort}" };
            case SwitchCommand.Status:
                return response with { Ports = await _switch!.CountAsync() };
            default:
                return response;
        }
    }
}
