using System.Management.Automation;
using AzureIaaS.Networks;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Test-IaaSDomainJoin: says whether machines on a network can join a domain, and what is in the way.</summary>
[Cmdlet(VerbsDiagnostic.Test, "IaaSDomainJoin")]
[OutputType(typeof(DomainJoinReport))]
public sealed class TestDomainJoinCommand : SiteCmdlet
{
    /// <summary>The domain: contoso.example.</summary>
    [Parameter(Mandatory = true, Position = 0)]
    [ValidateNotNullOrEmpty]
    public string Domain { get; set; } = "";

    /// <summary>The networks' names.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipeline = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(NetworkCompleter))]
    public string[] Network { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var name in Network)
        {
            Try(name, () =>
            {
                var session = Session();
                var network = NetworkOf(session, name);
                WriteObject(DomainJoinJudge.Judge(Await(c => SitesOf(session).LookForDomainAsync(network.Id, Domain, c))));
            });
        }
    }
}
