using System.Net;
using System.Net.Sockets;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Networks;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>
/// Looks for a domain as a machine on a network would: asks for its controllers by the network's gateway, tries their ports and asks for their time.
/// What is in a site or on the network is asked by its switch; what is elsewhere, by this computer, as the network's way out would.
/// </summary>
internal sealed class DomainProbe(LocalServices services)
{
    private const int MostControllers = 4;
    private const int Patience = 3000;

    /// <summary>Looks.</summary>
    /// <param name="network">The network's id.</param>
    /// <param name="domain">The domain.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<DomainFacts> LookAsync(Guid network, string domain, CancellationToken cancellation)
    {
        var found = services.Store.Networks.Find(network)
            ?? throw new IaaSException(ErrorKind.NotFound, "NetworkNotFound", "There is no such network.", "Get-IaaSNetwork shows those there are.", network);
        domain = DnsName.CheckSuffix(domain);
        var sites = (await services.Sites.ListAsync(cancellation)).Where(s => s.NetworkId == network).ToList();
        var facts = new DomainFacts { Domain = domain, Network = found, Sites = sites };
        if (!services.Hypervisor.SendsFrames || !services.Networks.Runs(network))
            return facts;
        var ldap = await ResolveAsync(network, $"_ldap._tcp.dc._msdcs.{domain}", DnsReply.Srv, cancellation);
        var kerberos = await ResolveAsync(network, $"_kerberos._tcp.{domain}", DnsReply.Srv, cancellation);
        var hosts = ldap?.Services.OrderBy(s => s.Priority).Select(s => s.Target).Distinct().Take(MostControllers).ToList() ?? [];
        var controllers = await Task.WhenAll(hosts.Select(h => LookAtAsync(found, sites, h, ldap!, cancellation)));
        return facts with { IsAsked = true, Answer = NameOf(ldap?.Code), HasKerberos = kerberos?.Services.Count > 0, Controllers = controllers };
    }

    private static string? NameOf(DnsCode? code) => code switch
    {
        null => null,
        DnsCode.NoError => "NOERROR, with no records",
        DnsCode.NameError => "NXDOMAIN",
        DnsCode.ServerFailure => "SERVFAIL",
        var other => other.Value.ToString().ToUpperInvariant(),
    };

    private async Task<DomainController> LookAtAsync(VirtualNetwork network, List<Site> sites, string host, DnsReply ldap, CancellationToken cancellation)
    {
        var known = ldap.Addresses.Find(a => a.Name == host);
        var address = known.Name is not null ? known.Address : (await ResolveAsync(network.Id, host, DnsQuery.A, cancellation))?.Addresses.Select(a => (uint?)a.Address).FirstOrDefault();
        if (address is not { } number)
            return new DomainController { HostName = host };
        var place = AddressPool.ToAddress(number);
        var isNear = network.ToIPNetwork().Contains(place) || sites.SelectMany(s => s.Subnets).Any(s => IPNetwork.Parse(s).Contains(place));
        var answers = await Task.WhenAll(DomainJoinJudge.Ports.Select(async p =>
            (Port: p, Answers: isNear ? await ProbeAsync(network.Id, place, p, cancellation) : await ConnectAsync(place, p, cancellation))));
        var time = isNear ? await services.Networks.AskAsync(network.Id, new SwitchRequest { Command = SwitchCommand.Time, Address = place.ToString(), Milliseconds = Patience }, cancellation) : null;
        return new DomainController
        {
            HostName = host,
            Address = place.ToString(),
            SilentPorts = [.. answers.Where(a => !a.Answers).Select(a => a.Port)],
            ClockOffset = isNear ? time?.Offset : await AskTimeAsync(place, cancellation),
        };
    }

    private async Task<DnsReply?> ResolveAsync(Guid network, string name, ushort type, CancellationToken cancellation)
    {
        var answer = await services.Networks.AskAsync(network, new SwitchRequest { Command = SwitchCommand.Resolve, Query = DnsReply.Query(name, type), Milliseconds = Patience }, cancellation);
        return answer?.Answer is { } message ? DnsReply.Read(message) : null;
    }

    private async Task<bool> ProbeAsync(Guid network, IPAddress address, int port, CancellationToken cancellation)
    {
        var answer = await services.Networks.AskAsync(network, new SwitchRequest { Command = SwitchCommand.Probe, Address = address.ToString(), Port = port, Milliseconds = Patience }, cancellation);
        return answer?.Result == nameof(ProbeResult.Answers);
    }

    private static async Task<bool> ConnectAsync(IPAddress address, int port, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        using var client = new TcpClient();
        try
        {
            await client.ConnectAsync(address, port, limit.Token);
            return true;
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return false;
        }
    }

    private async Task<TimeSpan?> AskTimeAsync(IPAddress address, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Patience);
        using var client = new UdpClient();
        try
        {
            var cookie = (ulong)Random.Shared.NextInt64();
            client.Connect(address, TimeProbe.Port);
            await client.SendAsync(TimeProbe.Request(cookie), limit.Token);
            var answer = await client.ReceiveAsync(limit.Token);
            return TimeProbe.TryRead(answer.Buffer, cookie, services.Time.GetUtcNow(), out var offset) ? offset : null;
        }
        catch (Exception e) when (e is SocketException || (e is OperationCanceledException && !cancellation.IsCancellationRequested))
        {
            return null;
        }
    }
}
