using System.Collections;
using System.Management.Automation;
using AzureIaaS.Failover;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;
using AzureIaaS.Simulation;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Measure-IaaSAvailability: forecasts how available a fleet will be, and what would make it better. Touches nothing.</summary>
[Cmdlet(VerbsDiagnostic.Measure, "IaaSAvailability", DefaultParameterSetName = CountSet)]
[OutputType(typeof(AvailabilityReport))]
public sealed class MeasureAvailabilityCommand : IaaSCmdlet
{
    private const string CountSet = "Count";
    private const string FabricSet = "Fabric";
    private const string ModelSet = "Model";

    private readonly List<VirtualMachine> _machines = [];
    private readonly List<FailoverReport> _drills = [];
    private IaaSSession? _session;
    private bool _isBroken;

    /// <summary>The machines of a fabric to forecast, on its hosts: names with wildcards, ids, machines.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ParameterSetName = FabricSet)]
    [Alias("Name", "VMName", "InputObject")]
    [ValidateNotNullOrEmpty]
    [MeasuredVms]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(VmCompleter))]
    public VmReference[] Vm { get; set; } = [];

    /// <summary>A model: a .psd1 or JSON file, or the Model of a report.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ModelSet)]
    [ValidateNotNullOrEmpty]
    public object? Model { get; set; }

    /// <summary>How many machines there are.</summary>
    [Parameter(ParameterSetName = CountSet)]
    [Parameter(ParameterSetName = ModelSet)]
    [ValidateRange(1, 5_000_000)]
    public int? VmCount { get; set; }

    /// <summary>How many hosts there are.</summary>
    [Parameter(ParameterSetName = CountSet)]
    [Parameter(ParameterSetName = ModelSet)]
    [ValidateRange(1, 1_000_000)]
    public int? HostCount { get; set; }

    /// <summary>Over how many fault domains the hosts are spread: shared power and a shared switch.</summary>
    [Parameter(ParameterSetName = CountSet)]
    [Parameter(ParameterSetName = ModelSet)]
    [ValidateRange(1, 1000)]
    public int? FaultDomain { get; set; }

    /// <summary>Over how many update domains the hosts are spread: maintained together.</summary>
    [Parameter(ParameterSetName = CountSet)]
    [Parameter(ParameterSetName = ModelSet)]
    [ValidateRange(1, 1000)]
    public int? UpdateDomain { get; set; }

    /// <summary>Failovers whose recovery times were measured; they take the place of the default.</summary>
    [Parameter(ValueFromPipeline = true, ParameterSetName = CountSet)]
    [Parameter(ParameterSetName = FabricSet)]
    [Parameter(ValueFromPipeline = true, ParameterSetName = ModelSet)]
    [ValidateNotNullOrEmpty]
    public FailoverReport[] Drill { get; set; } = [];

    /// <summary>Applications and what each requires: @{ Web = '1 of sp-web' }.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public Hashtable? Application { get; set; }

    /// <summary>The promised availability in percent of a month.</summary>
    [Parameter]
    [ValidateRange(1.0, 99.9999999)]
    public double? Sla { get; set; }

    /// <summary>Other settings, named as in a model: @{ 'Failures.Host' = '3 y' }.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public Hashtable? Setting { get; set; }

    /// <summary>A former report to compare with, with the same random numbers; what is not given is as it was there.</summary>
    [Parameter]
    [ValidateNotNull]
    public AvailabilityReport? Baseline { get; set; }

    /// <summary>The years of each replication.</summary>
    [Parameter]
    [ValidateRange(0.01, 10_000)]
    public double Years { get; set; } = 10;

    /// <summary>How many replications are run; as many as the precision needs when left out.</summary>
    [Parameter]
    [ValidateRange(1, 100_000)]
    public int? ReplicationCount { get; set; }

    /// <summary>Run until half the interval's width is at most this share of the downtime.</summary>
    [Parameter]
    [ValidateRange(0.0001, 1.0)]
    public double? Precision { get; set; }

    /// <summary>The seed of the random numbers: the same seed gives the same report.</summary>
    [Parameter]
    public long Seed { get; set; } = 1;

    /// <summary>Find out what would make it better, however long it takes; -Sensitivity:$false does not look.</summary>
    [Parameter]
    public SwitchParameter Sensitivity { get; set; }

    /// <summary>How many threads work; as many as there are processors when left out. It changes nothing but the time.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int? ThrottleLimit { get; set; }

    /// <summary>Go on in a job, and give that out at once.</summary>
    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override bool InJob => AsJob;

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        _drills.AddRange(Drill);
        foreach (var reference in Vm)
        {
            Try(reference.Reference, () =>
            {
                _session ??= Session(reference.Context);
                _machines.AddRange(Await(c => _session.ResolveAsync(reference.Reference, c)));
            });
            _isBroken |= _machines.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(reference.Reference);
        }
    }

    /// <inheritdoc/>
    protected override void EndProcessing()
    {
        // Nothing on the pipeline gives nothing; what was wrong with a name has been said.
        var isEmpty = ParameterSetName == FabricSet && _machines.Count == 0;
        if (!isEmpty && !_isBroken)
            Try(null, Measure);
        base.EndProcessing();
    }

    private void Measure()
    {
        var (start, file) = Start();
        var request = new FleetRequest
        {
            Base = start,
            VmCount = VmCount,
            HostCount = HostCount,
            FaultDomains = FaultDomain,
            UpdateDomains = UpdateDomain,
            Machines = _machines,
            Hosts = _session?.Provider is IHostProvider hosts ? [.. hosts.ListHosts()] : [],
            Drills = _drills,
            Applications = Application,
            Sla = Sla,
            Settings = Setting,
        };
        if (start is null && _machines.Count == 0 && (VmCount is null || HostCount is null) && Setting?.ContainsKey("Hosts") != true)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "FleetNotGiven", "It was not said what to measure.",
                "Give -VmCount and -HostCount, a -Model, or machines: Get-IaaSVm sp-* | Measure-IaaSAvailability.");
        }

        var model = request.Model();
        var options = new SimulationOptions
        {
            Years = Years,
            Replications = ReplicationCount,
            Precision = Precision,
            Seed = Seed,
            Threads = ThrottleLimit ?? Environment.ProcessorCount,
            Sensitivity = MyInvocation.BoundParameters.ContainsKey(nameof(Sensitivity)) ? Sensitivity.ToBool() : null,
            Baseline = Baseline,
            Notices = Output,
        };
        CheckBaseline();
        Begin(model.Name, cancellation =>
        {
            Output.Write(Simulator.Measure(model, options, file, cancellation));
            return Task.CompletedTask;
        });
    }

    private (FleetModel? Model, string? File) Start()
    {
        var given = Model is PSObject wrapped ? wrapped.BaseObject : Model;
        if (given is FleetModel model)
            return (model.Copy(), null);
        if (given is not null)
        {
            var file = SessionState.Path.GetUnresolvedProviderPathFromPSPath(given.ToString());
            return (ModelFile.Read(file), file);
        }

        return (Baseline is null || _machines.Count > 0 ? null : Baseline.Model.Copy(), null);
    }

    private void CheckBaseline()
    {
        if (Baseline is null)
            return;
        foreach (var (name, mine, theirs) in new (string, object?, object)[] { (nameof(Years), Years, Baseline.Years), (nameof(Seed), Seed, Baseline.Seed), (nameof(ReplicationCount), ReplicationCount, Baseline.Replications) })
        {
            if (MyInvocation.BoundParameters.ContainsKey(name) && !Equals(mine, theirs))
                throw new IaaSException(ErrorKind.InvalidArgument, "BaselineDiffers", $"The baseline has {name} {theirs}, and -{name} {mine} was given; only like is compared with like.", $"Leave -{name} away.");
        }
    }

    // What is given is not changed.
}
