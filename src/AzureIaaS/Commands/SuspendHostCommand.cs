using System.Management.Automation;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Suspend-IaaSHost: empties hosts for maintenance, a host at a time or an update domain at a time.</summary>
[Cmdlet(VerbsLifecycle.Suspend, "IaaSHost", SupportsShouldProcess = true, DefaultParameterSetName = "Name")]
[OutputType(typeof(FabricHost))]
public sealed class SuspendHostCommand : HostCmdlet
{
    private readonly List<string> _names = [];

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
    protected override void ProcessRecord() => _names.AddRange(Name);

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        Try(null, () =>
        {
            var session = Session();
            var hosts = HostsOf(session);
            var chosen = ParameterSetName == "UpdateDomain"
                ? hosts.ListHosts().Where(h => UpdateDomain.Contains(h.UpdateDomain)).ToList()
                : [.. _names.SelectMany(n => Find(hosts, n)).DistinctBy(h => h.Name)];
            foreach (var domain in chosen.GroupBy(h => Rolling ? h.UpdateDomain : 0).OrderBy(g => g.Key))
                Suspend(session, hosts, [.. domain]);
        });
        base.EndProcessing();
    }

    private void Suspend(IaaSSession session, IHostProvider hosts, List<FabricHost> domain)
    {
        var what = Rolling ? $"Empty for {Pause} seconds, then resume" : "Empty for maintenance";
        var confirmed = domain.Where(h => ShouldProcess($"{h.Name} (update domain {h.UpdateDomain}, {h.Machines.Count} machines)", what)).ToList();
        foreach (var host in confirmed)
        {
            Try(host.Name, () =>
            {
                var result = Await(c => hosts.DrainHostAsync(host.Name, Output, c));
                if (!Rolling)
                    WriteObject(Mark(result.Host, session));
            });
        }

        if (!Rolling || confirmed.Count == 0)
            return;
        Await(async c =>
        {
            Output.Report(Notice.Step($"Update domain {domain[0].UpdateDomain} is empty for {Pause} seconds"));
            await Task.Delay(TimeSpan.FromSeconds(Pause), c);
            return true;
        });
        foreach (var host in confirmed)
            Try(host.Name, () => WriteObject(Mark(Await(c => hosts.ResumeHostAsync(host.Name, bringBack: false, Output, c)), session)));
    }
}
