using System.Text.Json.Serialization;

namespace AzureIaaS.Simulation;

/// <summary>What hosts a group of common causes takes down together.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FailureScope>))]
public enum FailureScope
{
    /// <summary>The hosts of a fault domain.</summary>
    FaultDomain,

    /// <summary>The hosts of a zone.</summary>
    Zone,

    /// <summary>The hosts of a region.</summary>
    Region,

    /// <summary>All hosts.</summary>
    Fleet,
}

/// <summary>What can fail and how long it stays so. Causes are independent of each other; a host is up while none of them has it down.</summary>
public sealed class FailureModel
{
    /// <summary>The time from a host's repair to its next failure.</summary>
    public Law Host { get; set; } = Law.Never;

    /// <summary>How long a host's repair takes, once somebody works on it.</summary>
    public Law HostRepair { get; set; } = Law.Fixed(0);

    /// <summary>How many repairs of hosts go on at once in a region; 0 for any number.</summary>
    public int Crews { get; set; }

    /// <summary>The beta factor: the share of host failures that take all hosts of a group at once, from 0 up to but not including 1. Needs an exponential law.</summary>
    public double CommonCause { get; set; }

    /// <summary>The group that a common cause takes.</summary>
    public FailureScope CommonCauseScope { get; set; }

    /// <summary>The time to the next outage of a fault domain: its power or its switch.</summary>
    public Law FaultDomain { get; set; } = Law.Never;

    /// <summary>How long it lasts.</summary>
    public Law FaultDomainRepair { get; set; } = Law.Fixed(0);

    /// <summary>The time to the next outage of a zone.</summary>
    public Law Zone { get; set; } = Law.Never;

    /// <summary>How long it lasts.</summary>
    public Law ZoneRepair { get; set; } = Law.Fixed(0);

    /// <summary>The time to the next outage of a region.</summary>
    public Law Region { get; set; } = Law.Never;

    /// <summary>How long it lasts.</summary>
    public Law RegionRepair { get; set; } = Law.Fixed(0);

    /// <summary>The time to the next outage of a storage unit; the machines whose disks it holds stand still, wherever they run.</summary>
    public Law Storage { get; set; } = Law.Never;

    /// <summary>How long it lasts.</summary>
    public Law StorageRepair { get; set; } = Law.Fixed(0);

    /// <summary>How many storage units a zone has; its machines use them in turn.</summary>
    public int StorageUnits { get; set; } = 1;

    /// <summary>How long a machine survives without its storage, frozen: no restart follows a shorter outage.</summary>
    public TimeSpan StorageGrace { get; set; }

    /// <summary>The time to the next crash of a machine's operating system.</summary>
    public Law Guest { get; set; } = Law.Never;

    /// <summary>Failures that happen at given times, besides those by chance.</summary>
    public IList<ScriptedFailure> Script { get; set; } = [];
}

/// <summary>A failure that is told: what fails, when, and for how long.</summary>
public sealed class ScriptedFailure
{
    /// <summary>What fails: <c>host host3</c>, <c>fault domain 1</c> (of every zone), <c>zone 2</c>, <c>region primary</c>.</summary>
    public string Fails { get; set; } = "";

    /// <summary>When, from the beginning.</summary>
    public TimeSpan At { get; set; }

    /// <summary>For how long.</summary>
    public TimeSpan For { get; set; }

    /// <summary>The line of the model's file that it came from; 0 for none.</summary>
    [JsonIgnore]
    public int Line { get; set; }
}

/// <summary>How machines come back after their host is lost or their guest crashed.</summary>
public sealed class RecoveryModel
{
    /// <summary>Whether machines of a lost host are started elsewhere; else they wait for their host.</summary>
    public bool Healing { get; set; } = true;

    /// <summary>The time until a lost host is noticed and its machines may be started elsewhere, fencing included.</summary>
    public Law Detection { get; set; } = Law.Fixed(0);

    /// <summary>The time until a crashed guest is noticed.</summary>
    public Law GuestDetection { get; set; } = Law.Fixed(0);

    /// <summary>The time from the start of a machine until it serves.</summary>
    public Law Boot { get; set; } = Law.Fixed(0);

    /// <summary>How many machines one host starts at once; 0 for any number.</summary>
    public int Slots { get; set; }

    /// <summary>Whether machines can be started in another zone of their region: their storage is there too.</summary>
    public bool AcrossZones { get; set; }
}

/// <summary>What maintenance does to a machine.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MaintenanceMode>))]
public enum MaintenanceMode
{
    /// <summary>It is moved to another host while it runs, and stands still for the pause; where there is no room it is restarted.</summary>
    LiveMigrate,

    /// <summary>It is down while its host is maintained.</summary>
    Reboot,

    /// <summary>It stands still for the pause, and stays where it is.</summary>
    Freeze,
}

/// <summary>Planned maintenance: zone by zone, one update domain after another.</summary>
public sealed class MaintenanceModel
{
    /// <summary>The time from one round to the next.</summary>
    public TimeSpan Interval { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How long the hosts of an update domain are out.</summary>
    public TimeSpan Duration { get; set; } = TimeSpan.FromMinutes(15);

    /// <summary>The time from one update domain's end to the next one's beginning.</summary>
    public TimeSpan Between { get; set; } = TimeSpan.FromMinutes(30);

    /// <summary>What it does to machines.</summary>
    public MaintenanceMode Mode { get; set; }

    /// <summary>How long a machine stands still when it is moved or frozen.</summary>
    public Law Pause { get; set; } = Law.Fixed(0);

    /// <summary>The share of machines that can be moved while they run, from 0 to 1.</summary>
    public double Eligible { get; set; } = 1;
}

/// <summary>Replication of machines to a second region, and going there when their own is lost.</summary>
public sealed class ReplicationModel
{
    /// <summary>The region that replicas are in; its hosts take no machines of their own.</summary>
    public string To { get; set; } = "secondary";

    /// <summary>The time from one recovery point to the next.</summary>
    public TimeSpan Period { get; set; }

    /// <summary>The time that a recovery point needs to arrive.</summary>
    public TimeSpan Lag { get; set; }

    /// <summary>The time from a disaster to somebody's decision to fail over.</summary>
    public Law Decision { get; set; } = Law.Fixed(0);

    /// <summary>The time from the end of a disaster to the way back.</summary>
    public TimeSpan FailbackAfter { get; set; } = TimeSpan.FromDays(1);

    /// <summary>How long a machine is down, planned, on its way back.</summary>
    public TimeSpan Failback { get; set; } = TimeSpan.FromMinutes(10);
}

/// <summary>What was promised, and what a broken promise costs.</summary>
public sealed class SlaModel
{
    /// <summary>The promised availability in percent of a month of 30 days.</summary>
    public double Target { get; set; } = 99.9;

    /// <summary>The credits, in descending order of availability.</summary>
    public IList<SlaCredit> Credits { get; set; } = [];
}

/// <summary>A credit: below this availability in a month, that share of the month's price.</summary>
public sealed class SlaCredit
{
    /// <summary>The availability in percent.</summary>
    public double Below { get; set; }

    /// <summary>The credit in percent of the month's price.</summary>
    public double Percent { get; set; }
}
