using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Processes;
using AzureIaaS.Networks;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>The sites of a fabric: what may be made of them, and whether their gateway runs.</summary>
internal sealed class SiteKeeper(LocalServices services, WatcherCommand? command)
{
    private const int LongestReport = 1 << 20;
    private const int AnyPort = 9;
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan StartAgainAfter = TimeSpan.FromSeconds(30);

    private long? _started;

    /// <summary>The sites' keys.</summary>
    public SiteKeys Keys { get; } = new(services.Layout.Sites);

    private ISiteStore Store => services.Store.Sites;

    public async Task<IReadOnlyList<Site>> ListAsync(CancellationToken cancellation)
    {
        var sites = Store.List();
        if (sites.Count == 0)
            return sites;
        var report = await AskAsync(cancellation);
        foreach (var site in sites)
        {
            site.IpsecEngine = report?.Engine;
            if (report?.Sites.FirstOrDefault(s => s.Id == site.Id) is { } known)
                (site.State, site.Since, site.BytesIn, site.BytesOut, site.LastError, site.RevocationListUntil) = (known.State, known.Since, known.BytesIn, known.BytesOut, known.LastError, known.RevocationListUntil);
            else if (report is null && Begins())
                site.State = SiteState.Connecting;
            else if (report is null)
                site.LastError = services.Hypervisor.SendsFrames ? WhyNone() : "The machines of a simulated fabric send no packets, so it has no tunnels.";
        }

        return sites;
    }

    public async Task<Site> AddAsync(Site site, SiteCredential? credential, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var network = services.Store.Networks.Find(site.NetworkId)
            ?? throw new IaaSException(ErrorKind.NotFound, "NetworkNotFound", $"There is no network '{site.Network}'.", "Get-IaaSNetwork shows those there are; New-IaaSNetwork makes one.", site.Network);
        site.Id = site.Id == Guid.Empty ? Guid.NewGuid() : site.Id;
        (site.Network, site.Created) = (network.Name, services.Time.GetUtcNow());
        if (site.LocalAddress.Length == 0)
            site.LocalAddress = AddressTowards(site.GatewayAddress);
        SiteRules.Check(site, network, [.. services.Store.Networks.List().Where(n => n.RehearsalOf is null)], Store.List());
        // The key first: a gateway that finds a site wants its key, and a key without a site does nothing.
        Keys.Write(site.Id, credential ?? SiteCredential.OfSharedKey(SharedKey.Make()));
        try
        {
            Store.Add(site);
        }
        catch
        {
            Keys.Remove(site.Id);
            throw;
        }

        Ensure(notices);
        if (services.Hypervisor.SendsFrames && CharonProcess.Problem() is { } problem)
            notices.Report(Notice.Warning($"{site.Name} is remembered, and not connected: {problem.Message} {problem.Remedy}"));
        await SyncAsync(site.NetworkId, notices, cancellation);
        return (await ListAsync(cancellation)).FirstOrDefault(s => s.Id == site.Id) ?? site;
    }

    public async Task RemoveAsync(Guid site, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (Store.Find(site) is not { } found)
            return;
        Store.Remove(site);
        Keys.Remove(site);
        await SyncAsync(found.NetworkId, notices, cancellation);
    }

    /// <summary>Starts the gateway, if there are sites, it does not run, and it can.</summary>
    /// <param name="notices">Receives why it could not be started.</param>
    public void Ensure(IProgress<Notice> notices)
    {
        if (command?.SiteGatewayArguments is not { } arguments || !services.Hypervisor.SendsFrames || Store.List().Count == 0 || CharonProcess.Problem() is not null || Runs())
            return;
        if (_started is { } started && Environment.TickCount64 - started < StartAgainAfter.TotalMilliseconds)
            return;   // one that cannot work ends at once, and says in its log why
        _started = Environment.TickCount64;
        try
        {
            Launcher.Start(command.Program, arguments, services.Layout.Root, services.Layout.Sites.Log, confinement: null);
        }
        catch (IaaSException e)
        {
            notices.Report(Notice.Warning($"The gateway of the sites could not be started: {e.Message}"));
        }
    }

    /// <summary>A switch that does not run learns of it when it begins.</summary>
    private Task SyncAsync(Guid network, IProgress<Notice> notices, CancellationToken cancellation) =>
        services.Networks.Runs(network) ? services.Networks.SyncAsync(network, notices, cancellation) : Task.CompletedTask;

    /// <summary>Whether the gateway has been started a moment ago, and cannot say anything yet.</summary>
    private bool Begins() => _started is { } started && Environment.TickCount64 - started < AnswerWithin.TotalMilliseconds && services.Hypervisor.SendsFrames && CharonProcess.Problem() is null;

    private bool Runs()
    {
        using var free = services.Store.Locks.TryAcquire(SiteGateway.LockName);
        return free is null;
    }

    private string WhyNone()
    {
        if (CharonProcess.Problem() is { } problem)
            return $"{problem.Message} {problem.Remedy}";
        return "No gateway runs. Starting a machine, or making a site, starts it; "
            + $"{services.Layout.Sites.Log} says why one has ended.";
    }

    private async Task<GatewayReport?> AskAsync(CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(AnswerWithin);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(services.Layout.Sites.Control), limit.Token);
            using var reader = new StreamReader(new NetworkStream(socket));
            var line = await reader.ReadLineAsync(limit.Token);
            return line is null || line.Length > LongestReport ? null : JsonSerializer.Deserialize(line, SiteJson.Default.GatewayReport);
        }
        catch (Exception e) when (e is SocketException or IOException or JsonException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }

    /// <summary>By which of its addresses this computer reaches another; nothing is sent.</summary>
    private static string AddressTowards(string gateway)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.Connect(new IPEndPoint(IPAddress.Parse(gateway), AnyPort));
            return ((IPEndPoint)socket.LocalEndPoint!).Address.ToString();
        }
        catch (Exception e) when (e is SocketException or FormatException)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "NoRouteToSite", $"By which address the site reaches this computer is not known: there is no way from here to '{gateway}'.",
                "Give the gateway's IPv4 address with -GatewayAddress, and this side's with -LocalAddress.", gateway, e);
        }
    }
}
