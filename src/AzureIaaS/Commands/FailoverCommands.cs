using System.Management.Automation;
using AzureIaaS.Failover;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Invoke-IaaSFailover: rehearses or does the failover of machines, in start order.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "IaaSFailover", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.Medium)]
[OutputType(typeof(FailoverReport))]
public sealed class InvokeFailoverCommand : VmCmdlet
{
    private readonly List<(IaaSSession Session, VirtualMachine Machine)> _machines = [];

    /// <summary>Test is a rehearsal with a clone, Planned a live migration, Unplanned the loss of the host.</summary>
    [Parameter(Mandatory = true)]
    public FailoverKind Kind { get; set; }

    /// <summary>The host to go to; placement chooses when left out. In Azure, the zone, or another region.</summary>
    [Parameter]
    [Alias("To")]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(HostCompleter))]
    public string? TargetHost { get; set; }

    /// <summary>What must hold afterwards: Process, SignOfLife, Console (with -Pattern), Agent, Port, Ping, or a script block that is given the machine.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(CheckCompleter))]
    public object[] Check { get; set; } = [];

    /// <summary>For the check Console: the regular expression that a line must match.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Pattern { get; set; }

    /// <summary>For the check Port: the TCP port; and the machine's port that a script reaches by its Endpoint.</summary>
    [Parameter]
    [ValidateRange(1, 65535)]
    public int Port { get; set; } = 80;

    /// <summary>How long each check may take, in seconds.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue / 1000)]
    public int CheckTimeout { get; set; } = 300;

    /// <summary>For Planned, when it cannot be done live: shut the machine down and start it elsewhere.</summary>
    [Parameter]
    public SwitchParameter AllowRestart { get; set; }

    /// <summary>How many machines are failed over at once.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int ThrottleLimit { get; set; } = 4;

    /// <summary>Go on in a job, and give that out at once.</summary>
    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override int Parallelism => ThrottleLimit;

    private protected override bool InJob => AsJob;

    private protected override void Process(IaaSSession session, VirtualMachine machine) => _machines.Add((session, machine));

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        Try(null, () =>
        {
            var checks = Check.SelectMany(Checks).ToList();
            if (Pattern is not null && !checks.Any(c => c is ConsoleCheck))
                checks.AddRange(Checks("Console"));   // what else would the pattern be for
            foreach (var (session, machine) in _machines.OrderBy(m => m.Machine.StartOrder).ThenBy(m => m.Machine.Name, StringComparer.OrdinalIgnoreCase))
                Try(machine.Name, () => FailOver(session, machine, checks));
        });
        base.EndProcessing();
    }

    private void FailOver(IaaSSession session, VirtualMachine machine, IReadOnlyList<FailoverCheck> checks)
    {
        var provider = Ability.Of<IFailoverProvider>(session, "failovers");
        checks = [.. checks.Select(c => c is ScriptCheck script ? script.In(session.Context) : c)];
        var options = new FailoverOptions { Kind = Kind, TargetHost = TargetHost, Checks = checks, AllowRestart = AllowRestart, EndpointPort = MyInvocation.BoundParameters.ContainsKey(nameof(Port)) ? Port : null };
        var preview = provider.PreviewFailover(machine.Id, options);
        if (!ShouldProcess($"{machine.Name} (start order {machine.StartOrder}) from {machine.Host ?? "no host"} to {preview.Reason}", $"{Kind} failover"))
            return;
        Begin(machine.Name, async cancellation =>
        {
            var report = await provider.FailOverAsync(machine.Id, options, Output, cancellation);
            report.Context = session.Context.Name;
            Output.Write(report);
            if (report.Outcome != FailoverOutcome.Succeeded)
                throw new IaaSException(ErrorKind.Failed, "FailoverFailed", $"The {Kind} failover of {machine.Name} failed: {report.Error}", "Its report has the steps and checks; Get-IaaSFailover shows it again.", machine.Name);
        });
    }

    private IEnumerable<FailoverCheck> Checks(object check)
    {
        var timeout = TimeSpan.FromSeconds(CheckTimeout);
        var value = check is PSObject wrapped ? wrapped.BaseObject : check;
        if (value is ScriptBlock script)
            return [new ScriptCheck(script, SessionState) { Timeout = timeout }];
        return value.ToString()?.ToUpperInvariant() switch
        {
            "PROCESS" => [new ProcessCheck { Timeout = timeout }],
            "SIGNOFLIFE" => [new SignOfLifeCheck { Timeout = timeout }],
            "AGENT" => [new AgentCheck { Timeout = timeout }],
            "PORT" => [new PortCheck(Port) { Timeout = timeout }],
            "PING" => [new PingCheck { Timeout = timeout }],
            "CONSOLE" => [new ConsoleCheck(Pattern is { } p && ConsolePattern.Compile(p) is not null ? p
                : throw new IaaSException(ErrorKind.InvalidArgument, "PatternMissing", "The check Console needs a pattern.", "Give one: -Check Console -Pattern 'login:'.")) { Timeout = timeout }],
            _ => throw new IaaSException(ErrorKind.InvalidArgument, "UnknownCheck", $"'{value}' is no check.", "Use Process, SignOfLife, Console with -Pattern, Agent, Port, Ping, or a script block: -Check { param($vm) ... }.", value),
        };
    }
}

/// <summary>Get-IaaSFailover: lists the reports of failovers.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSFailover")]
[OutputType(typeof(FailoverReport))]
public sealed class GetFailoverCommand : IaaSCmdlet
{
    /// <summary>The machines: names with wildcards, ids, machines, also of machines that are gone; the reports of all when left out.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [Alias("Name", "VMName", "InputObject")]
    [ValidateNotNullOrEmpty]   // a variable that is empty by mistake must not mean every machine
    [VmReferences]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(VmCompleter))]
    public VmReference[]? Vm { get; set; }

    /// <summary>Only the last reports: of each machine that is named, or of all together.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue)]
    public int? Last { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (Vm is null)
            Try(null, () => Write(Session(), LastOf(Session().Store.Reports.List(null))));
        foreach (var reference in Vm ?? [])
        {
            Try(reference.Reference, () =>
            {
                var session = Session(reference.Context);
                Write(session, ReportsOf(session, reference.Reference));
            });
        }
    }

    /// <summary>The reports of the machines that a reference means; they outlive their machines.</summary>
    private IEnumerable<FailoverReport> ReportsOf(IaaSSession session, string reference)
    {
        var pattern = WildcardPattern.Get(reference, WildcardOptions.IgnoreCase);
        var reports = Guid.TryParse(reference, out var id) ? session.Store.Reports.List(id) : [.. session.Store.Reports.List(null).Where(r => pattern.IsMatch(r.VmName))];
        if (reports.Count == 0)
            Await(c => session.ResolveAsync(reference, c));   // says so when there is no such machine either
        return reports.GroupBy(r => r.VmId).SelectMany(LastOf).OrderBy(r => r.Started);
    }

    private IEnumerable<FailoverReport> LastOf(IEnumerable<FailoverReport> reports) => Last is { } last ? reports.TakeLast(last) : reports;

    private void Write(IaaSSession session, IEnumerable<FailoverReport> reports)
    {
        foreach (var report in reports)
        {
            report.Context = session.Context.Name;
            WriteObject(report);
        }
    }
}
