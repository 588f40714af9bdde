using System.Management.Automation;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Suspend-IaaSHost: empties hosts for maintenance, a host at a time or an update domain at a time.</summary>
[Cmdlet(VerbsLifecycle.Suspend, "IaaSHost", SupportsShouldProcess = true, DefaultParameterSetName = "Name")]
[OutputType(typeof(FabricHost))]
public sealed class SuspendHostCommand : KnownHostCmdlet
{
    private readonly List<(IaaSSession Session, FabricHost Host)> _chosen = [];

    /// <summary>The hosts' names, with wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = "Name")]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(HostCompleter))]
    public string[] Name { get; set; } = [];

    /// <summary>All hosts of these update domains.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "UpdateDomain")]
    public int[] UpdateDomain { get; set; } = [];

    /// <summary>One update domain at a time: each is emptied, kept so for the pause, and resumed before the next.</summary>
    [Parameter]
    public SwitchParameter Rolling { get; set; }

    /// <summary>With -Rolling: how long each update domain is kept empty, in seconds; the time for its maintenance.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue / 1000)]
    public int Pause { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var name in Name)
            Choose(name, hosts => Find(hosts, name));
        foreach (var domain in UpdateDomain)
            Choose(domain, hosts => InDomain(hosts, domain));
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        var distinct = _chosen.DistinctBy(c => (c.Session.Context.Name, c.Host.Name));
        foreach (var domain in distinct.GroupBy(c => Rolling ? c.Host.UpdateDomain : 0).OrderBy(g => g.Key))
            Suspend([.. domain]);
        base.EndProcessing();
    }

    private void Choose(object target, Func<IHostProvider, IEnumerable<FabricHost>> find) => Try(target, () =>
    {
        var session = Session();
        _chosen.AddRange(find(HostsOf(session)).Select(h => (session, h)));
    });

    private static List<FabricHost> InDomain(IHostProvider hosts, int domain)
    {
        var found = hosts.ListHosts().Where(h => h.UpdateDomain == domain).ToList();
        return found.Count > 0 ? found
            : throw new IaaSException(ErrorKind.NotFound, "HostNotFound", $"There is no host in update domain {domain}.", "Get-IaaSHost shows the hosts and their domains.", domain);
    }

    private void Suspend(List<(IaaSSession Session, FabricHost Host)> domain)
    {
        var what = Rolling ? $"Empty for {Pause} seconds, then resume" : "Empty for maintenance";
        var confirmed = domain.Where(d => ShouldProcess($"{d.Host.Name} (update domain {d.Host.UpdateDomain}, {d.Host.Machines.Count} machines)", what)).ToList();
        foreach (var (session, host) in confirmed)
        {
            Try(host.Name, () =>
            {
                var result = Await(c => HostsOf(session).DrainHostAsync(host.Name, Output, c));
                if (!Rolling)
                    WriteObject(Mark(result.Host, session));
            });
        }

        if (!Rolling || confirmed.Count == 0)
            return;
        Await(async c =>
        {
            Output.Report(Notice.Step($"Update domain {domain[0].Host.UpdateDomain} is empty for {Pause} seconds"));
            await Task.Delay(TimeSpan.FromSeconds(Pause), c);
            return true;
        });
        foreach (var (session, host) in confirmed)
            Try(host.Name, () => WriteObject(Mark(Await(c => HostsOf(session).ResumeHostAsync(host.Name, bringBack: false, Output, c)), session)));
    }
}
