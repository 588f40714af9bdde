namespace AzureIaaS.Simulation;

/// <summary>
/// A fleet to be forecast: its hosts, its machines, what fails and how it recovers. A plain class that can be made in a script, read from a
/// .psd1 or JSON file, or taken from a live fabric. Checked as a whole before it is simulated.
/// </summary>
public sealed class FleetModel
{
    /// <summary>The same model, to be changed without changing this one.</summary>
    public FleetModel Copy() =>
        System.Text.Json.JsonSerializer.Deserialize(System.Text.Json.JsonSerializer.Serialize(this, CoreJson.Default.FleetModel), CoreJson.Default.FleetModel)!;

    /// <summary>What it is called in reports.</summary>
    public string Name { get; set; } = "fleet";

    /// <summary>The hosts.</summary>
    public IList<HostGroup> Hosts { get; set; } = [];

    /// <summary>The machines.</summary>
    public IList<MachineGroup> Machines { get; set; } = [];

    /// <summary>What has to be available, in terms of machines.</summary>
    public IList<FleetApplication> Applications { get; set; } = [];

    /// <summary>What fails, and how long it stays so.</summary>
    public FailureModel Failures { get; set; } = new();

    /// <summary>How machines come back.</summary>
    public RecoveryModel Recovery { get; set; } = new();

    /// <summary>Planned maintenance; null for none.</summary>
    [System.Text.Json.Serialization.JsonIgnore(Condition = System.Text.Json.Serialization.JsonIgnoreCondition.Never)]   // none is an answer, and no default follows
    public MaintenanceModel? Maintenance { get; set; }

    /// <summary>Replication to a second region; null for none.</summary>
    public ReplicationModel? Replication { get; set; }

    /// <summary>The promise to compare with; null for none.</summary>
    public SlaModel? Sla { get; set; }

    /// <summary>Where each default came from; what the user gave is not in it.</summary>
    public IList<Assumption> Assumptions { get; set; } = [];

    /// <summary>How many hosts there are.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long HostCount => Hosts.Sum(h => (long)h.Count);

    /// <summary>How many machines there are.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public long MachineCount => Machines.Sum(m => (long)m.Count);

    /// <summary>The name.</summary>
    public override string ToString() => Name;
}

/// <summary>Hosts that are alike.</summary>
public sealed class HostGroup
{
    /// <summary>The name, to which a number is added when there are several.</summary>
    public string Name { get; set; } = "host";

    /// <summary>How many, 1 or more.</summary>
    public int Count { get; set; } = 1;

    /// <summary>Virtual processors of each.</summary>
    public int Cpu { get; set; } = 32;

    /// <summary>Memory of each in bytes.</summary>
    public long Memory { get; set; } = 128L << 30;

    /// <summary>The region they are in.</summary>
    public string Region { get; set; } = "primary";

    /// <summary>The zone of the region.</summary>
    public string Zone { get; set; } = "1";

    /// <summary>Over how many fault domains of the zone they are spread, in turn: shared power and a shared switch.</summary>
    public int FaultDomains { get; set; } = 1;

    /// <summary>The number of the first fault domain.</summary>
    public int FirstFaultDomain { get; set; }

    /// <summary>Over how many update domains of the zone they are spread, in turn: maintained together.</summary>
    public int UpdateDomains { get; set; } = 1;

    /// <summary>The number of the first update domain.</summary>
    public int FirstUpdateDomain { get; set; }

    /// <summary>The line of the model's file that it came from; 0 for none.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int Line { get; set; }
}

/// <summary>Machines that are alike.</summary>
public sealed class MachineGroup
{
    /// <summary>The name, to which a number is added when there are several.</summary>
    public string Name { get; set; } = "vm";

    /// <summary>How many, 1 or more.</summary>
    public int Count { get; set; } = 1;

    /// <summary>Virtual processors of each.</summary>
    public int Cpu { get; set; } = 2;

    /// <summary>Memory of each in bytes.</summary>
    public long Memory { get; set; } = 8L << 30;

    /// <summary>The availability set that they are in: spread over fault domains; null for none.</summary>
    public string? AvailabilitySet { get; set; }

    /// <summary>Their region; null for the first one.</summary>
    public string? Region { get; set; }

    /// <summary>Their zone; null to take the region's zones in turn.</summary>
    public string? Zone { get; set; }

    /// <summary>The host that each is on when it begins; null where placement decides.</summary>
    public string? Host { get; set; }

    /// <summary>The machines that one of has to be up before these start again; null for none.</summary>
    public string? StartAfter { get; set; }

    /// <summary>Whether they are replicated to the second region.</summary>
    public bool Replicated { get; set; }

    /// <summary>The line of the model's file that it came from; 0 for none.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int Line { get; set; }
}

/// <summary>
/// Something that users use, and what it needs: <c>1 of sp-web and 2 of sp-sql</c>, and other applications that have to be available too.
/// </summary>
public sealed class FleetApplication
{
    /// <summary>The name.</summary>
    public string Name { get; set; } = "";

    /// <summary>
    /// What it needs: <c>K of MACHINES</c>, joined by <c>and</c>. MACHINES is a machine's or a group's name, the beginning of names before a number
    /// (<c>sp-web</c> means sp-web1, sp-web02 and sp-web-3), or a pattern with * and ?. <c>all of</c> is possible too.
    /// </summary>
    public string Requires { get; set; } = "";

    /// <summary>The applications that have to be available for it to be.</summary>
    public IList<string> DependsOn { get; set; } = [];

    /// <summary>The line of the model's file that it came from; 0 for none.</summary>
    [System.Text.Json.Serialization.JsonIgnore]
    public int Line { get; set; }
}

/// <summary>A number that was not given, what was taken for it, and why.</summary>
public sealed class Assumption
{
    /// <summary>What it is: <c>Failures.Host</c>.</summary>
    public string Parameter { get; set; } = "";

    /// <summary>What was taken.</summary>
    public string Value { get; set; } = "";

    /// <summary>Where the number is from; null when nobody measured it for you: an assumption.</summary>
    public string? Source { get; set; }

    /// <summary>The parameter and its value.</summary>
    public override string ToString() => $"{Parameter} = {Value}";
}
