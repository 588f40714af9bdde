using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Processes;
using AzureIaaS.Networks;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>
/// The process that is the gateway of a fabric's sites: has the IKE daemon make and keep their tunnels, carries their packets, and tells how it stands.
/// One per fabric, by a lock; it follows what is remembered.
/// </summary>
internal sealed class SiteGateway(LocalServices services, IProgress<Notice> notices) : IAsyncDisposable
{
    /// <summary>The lock that says who is the gateway.</summary>
    public const string LockName = "sites";

    private const uint FromBase = 2;
    private static readonly TimeSpan OwnWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan TryAgainAfter = TimeSpan.FromSeconds(5);

    private readonly SiteFiles _files = services.Layout.Sites;
    private readonly SiteKeys _keys = new(services.Layout.Sites);
    private readonly ConcurrentDictionary<Guid, Joined> _sites = new();
    private CharonProcess? _charon;
    private SiteRelay? _relay;
    private ViciConnection? _commands;

    /// <summary>Runs until there are no sites, or until cancelled.</summary>
    /// <param name="stay">Whether to go on when there are none.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>False when another process is the gateway already.</returns>
    public async Task<bool> RunAsync(bool stay, CancellationToken cancellation)
    {
        if (CharonProcess.Problem() is { } problem)
            throw problem;
        using var owner = await services.Store.Locks.AcquireAsync(LockName, OwnWithin, cancellation);
        if (owner is null)
            return false;
        services.Layout.Create();
        PrivateFolder.Create(_files.Run);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var listener = Listen();
        var serving = ServeAsync(listener, stop.Token);
        try
        {
            while (services.Store.Locks.IsInPlace(owner, LockName) && (stay || services.Store.Sites.List().Count > 0))
                await WorkAsync(owner, stay, stop.Token);
        }
        catch (OperationCanceledException) when (cancellation.IsCancellationRequested)
        {
            // The end.
        }
        finally
        {
            await stop.CancelAsync();
            await serving;
            await EndAsync();
        }

        if (Directory.Exists(_files.Run))
            Directory.Delete(_files.Run, recursive: true);
        return true;
    }

    public async ValueTask DisposeAsync() => await EndAsync();

    /// <summary>Works with one IKE daemon, until that has ended or nobody needs it.</summary>
    private async Task WorkAsync(IDisposable owner, bool stay, CancellationToken cancellation)
    {
        var (engine, why) = await KernelIpsec.ChooseAsync(ProgramRun.RunAsync, cancellation);
        _charon = await CharonProcess.StartAsync(_files, engine, cancellation);
        _relay = new SiteRelay(_charon.Device, _files.Packets);
        _commands = await ViciConnection.ConnectAsync(_files.Vici, cancellation);
        using var heard = await ViciConnection.ConnectAsync(_files.Vici, cancellation);
        await heard.RegisterAsync("log", cancellation);
        notices.Report(Notice.Verbose($"The gateway of the sites runs, by {_charon.Device}, " + (why is null ? "with the kernel's IPsec." : $"with IPsec in user space, for the kernel's cannot be used: {why}")));
        var hearing = HearAsync(heard, cancellation);
        try
        {
            long? version = null;
            while (services.Store.Locks.IsInPlace(owner, LockName) && !hearing.IsCompleted)
            {
                if (version != (version = services.Store.Version))
                    await FollowAsync(cancellation);
                if (!stay && _sites.IsEmpty)
                    return;
                await LookAsync(cancellation);
                await Task.Delay(LookEvery, cancellation);
            }
        }
        catch (Exception e) when (e is IOException or SocketException or FormatException && !cancellation.IsCancellationRequested)
        {
            notices.Report(Notice.Warning($"The IKE daemon has ended, and is started anew: {e.Message}"));
            await Task.Delay(LookEvery, cancellation);
        }
        finally
        {
            await EndAsync();
            await hearing;
        }
    }

    /// <summary>Loads the sites that are new, and unloads those that were removed.</summary>
    private async Task FollowAsync(CancellationToken cancellation)
    {
        var sites = services.Store.Sites.List();
        foreach (var gone in _sites.Keys.Where(id => sites.All(s => s.Id != id)).ToList())
        {
            if (_sites.TryRemove(gone, out var joined) && joined.IsLoaded)
                await UnloadAsync(joined, cancellation);
        }

        foreach (var site in sites.Where(s => !_sites.ContainsKey(s.Id)))
        {
            if (services.Store.Networks.Find(site.NetworkId) is not { } network)
                continue;
            var revoked = site.RevocationList is { } list ? new RevocationFile(list, () => _keys.ReadCertificates(site.Id).Ca) : null;
            var joined = new Joined(new SiteStatus(site, revoked), network);
            _sites[site.Id] = joined;
            try
            {
                await _charon!.AddAddressAsync(AddressPool.ToAddress(AddressPool.ToNumber(network.ToIPNetwork().BaseAddress) + FromBase), cancellation);
                await LoadAsync(site, network, joined, cancellation);
                joined.IsLoaded = true;
            }
            catch (IaaSException e)
            {
                joined.Status.Fail($"{e.Message} {e.Remedy}", services.Time.GetUtcNow());
                notices.Report(Notice.Warning($"{site.Name}: {e.Message}"));
            }
        }

        _relay!.Networks = [.. _sites.Values.Select(s => s.Network).DistinctBy(n => n.Id)
            .Select(n => new RelayNetwork(AddressPool.ToNumber(n.ToIPNetwork().BaseAddress), SwitchPlanner.MaskOf(n.ToIPNetwork()), services.Layout.Network(n.Id).Peers))];
    }

    private async Task LoadAsync(Site site, VirtualNetwork network, Joined joined, CancellationToken cancellation)
    {
        if (site.Authentication == SiteAuthentication.SharedKey)
        {
            await _commands!.RequestAsync("load-shared", CharonMessages.Key(site, _keys.ReadShared(site.Id)), cancellation);
            await _commands.RequestAsync("load-conn", CharonMessages.Connection(site, network, engine: _charon!.Engine), cancellation);
            return;
        }

        var (own, ca) = _keys.ReadCertificates(site.Id);
        joined.PrivateKey = (await _commands!.RequestAsync("load-key", CharonMessages.PrivateKey(_keys.ReadPrivate(site.Id)), cancellation)).Text("id");
        await _commands.RequestAsync("load-conn", CharonMessages.Connection(site, network, own, ca, _charon!.Engine), cancellation);
    }

    private async Task UnloadAsync(Joined joined, CancellationToken cancellation)
    {
        var name = CharonMessages.NameOf(joined.Status.Site.Id);
        try
        {
            await _commands!.RequestAsync("unload-conn", new ViciSection().Add("name", name), cancellation);
            if (joined.PrivateKey is { } key && !_sites.Values.Any(s => s.PrivateKey == key))
                await _commands.RequestAsync("unload-key", new ViciSection().Add("id", key), cancellation);
            else if (joined.Status.Site.Authentication == SiteAuthentication.SharedKey)
                await _commands.RequestAsync("unload-shared", new ViciSection().Add("id", name), cancellation);
            if (!joined.Status.IsIdle)
                await _commands.RequestAsync("terminate", new ViciSection().Add("ike", name).Add("timeout", "-1"), cancellation);
        }
        catch (IaaSException e)
        {
            notices.Report(Notice.Warning($"{joined.Status.Site.Name}: {e.Message}"));
        }
    }

    /// <summary>Looks how it stands, and begins what is not under way.</summary>
    private async Task LookAsync(CancellationToken cancellation)
    {
        var sas = (await _commands!.ListAsync("list-sas", "list-sa", cancellation)).SelectMany(m => m.Sections).ToLookup(s => s.Name, s => s.Section);
        var now = services.Time.GetUtcNow();
        foreach (var (id, joined) in _sites.Where(s => s.Value.IsLoaded))
        {
            var before = joined.Status.State;
            var known = sas[CharonMessages.NameOf(id)].ToList();
            await RefreshAsync(joined, cancellation);
            joined.Status.Update(known, now);
            if (joined.Status.State != before)
                notices.Report(Notice.Verbose($"{joined.Status.Site.Name}: {before} → {joined.Status.State}."));
            joined.MustProve &= known.Exists(s => s.Text("state") != "CONNECTING");
            if (!joined.MustProve && (!joined.Status.IsIdle || joined.Status.IsExpired(now) || (joined.Tried is { } tried && now - tried < TryAgainAfter)))
                continue;
            joined.Tried = joined.MustProve ? null : now;
            try
            {
                var (command, message) = joined.MustProve ? ("terminate", CharonMessages.End(id)) : ("initiate", CharonMessages.Initiate(id));
                await _commands.RequestAsync(command, message, cancellation);
            }
            catch (IaaSException e)
            {
                joined.Status.Fail($"{e.Message} {e.Remedy}", now);
            }
        }
    }

    /// <summary>Loads a list of revoked certificates that is new. Where it has more of them, the other gateway has to prove anew who it is:
    /// what it would do itself, renewing keys for example, must not keep it from that.</summary>
    private async Task RefreshAsync(Joined joined, CancellationToken cancellation)
    {
        var (site, former) = (joined.Status.Site, joined.Status.Revoked?.List);
        if (joined.Status.Revoked?.Refresh() != true)
            return;
        var list = joined.Status.Revoked.List!;
        notices.Report(Notice.Verbose($"{site.Name}: {list.SerialNumbers.Count} certificates of {list.Issuer} are revoked; the list is good until {list.NextUpdate.UtcDateTime:u}."));
        try
        {
            await _commands!.RequestAsync("load-cert", CharonMessages.Revoked(list), cancellation);
            // It would go on with the list that it has used until that is too old, and try former certificates of the other gateway too.
            await _commands.RequestAsync("flush-certs", new ViciSection(), cancellation);
            joined.MustProve |= former is not null && !list.SerialNumbers.IsSubsetOf(former.SerialNumbers);
        }
        catch (IaaSException e)
        {
            joined.Status.Fail($"{e.Message} {e.Remedy}", services.Time.GetUtcNow());
        }
    }

    private async Task HearAsync(ViciConnection connection, CancellationToken cancellation)
    {
        try
        {
            while (true)
            {
                var (_, message) = await connection.NextAsync(cancellation);
                var joined = _sites.Values.FirstOrDefault(s => CharonMessages.NameOf(s.Status.Site.Id) == message.Text("ikesa-name"));
                if (joined?.Status.Hear(message.Text("msg") ?? "", services.Time.GetUtcNow()) == true)
                    notices.Report(Notice.Warning($"{joined.Status.Site.Name}: {joined.Status.LastError}"));
            }
        }
        catch (Exception e) when (e is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The daemon has ended, or the gateway does.
        }
    }

    private async Task EndAsync()
    {
        _commands?.Dispose();
        _relay?.Dispose();
        if (_charon is not null)
            await _charon.DisposeAsync();
        (_commands, _relay, _charon) = (null, null, null);
        _sites.Clear();
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
        while (!cancellation.IsCancellationRequested)
        {
            try
            {
                using var client = await listener.AcceptAsync(cancellation);
                var report = new GatewayReport { ProcessId = Environment.ProcessId, Engine = _charon?.Engine, Sites = [.. _sites.Values.Select(s => s.Status.ToReport())] };
                await client.SendAsync(Encoding.UTF8.GetBytes(JsonSerializer.Serialize(report, SiteJson.Default.GatewayReport) + "\n"), cancellation);
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                // Whoever asked has gone, or the gateway ends.
            }
        }
    }

    private sealed class Joined(SiteStatus status, VirtualNetwork network)
    {
        public SiteStatus Status => status;

        public VirtualNetwork Network => network;

        public bool IsLoaded { get; set; }

        /// <summary>The daemon's name of its certificate's private key.</summary>
        public string? PrivateKey { get; set; }

        public DateTimeOffset? Tried { get; set; }

        /// <summary>Whether tunnels that stand are to be ended, since their gateway was believed before it was known to be revoked.</summary>
        public bool MustProve { get; set; }
    }
}
