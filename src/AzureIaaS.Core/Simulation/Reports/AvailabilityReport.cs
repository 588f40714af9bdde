using AzureIaaS.Simulation.Statistics;

namespace AzureIaaS.Simulation;

/// <summary>How available a fleet will be, as far as its model goes: estimates with 95 % intervals, what takes it down, and what would make it better.</summary>
public sealed class AvailabilityReport
{
    /// <summary>The version of this shape.</summary>
    public int SchemaVersion { get; set; } = 1;

    /// <summary>The fleet's name.</summary>
    public string Name { get; set; } = "";

    /// <summary>What was asked, as a sentence.</summary>
    public string Question { get; set; } = "";

    /// <summary>The answer, as a sentence or two.</summary>
    public string Answer { get; set; } = "";

    /// <summary>All machines together.</summary>
    public AvailabilityFigure Fleet { get; set; } = new();

    /// <summary>The applications.</summary>
    public IList<AvailabilityFigure> Applications { get; set; } = [];

    /// <summary>The groups of machines.</summary>
    public IList<AvailabilityFigure> Groups { get; set; } = [];

    /// <summary>Each machine; empty for a fleet of more than 10,000.</summary>
    public IList<AvailabilityFigure> Machines { get; set; } = [];

    /// <summary>What took machines down, the most expensive first.</summary>
    public IList<CauseShare> Causes { get; set; } = [];

    /// <summary>What machines that were down waited for, the longest first.</summary>
    public IList<PhaseShare> Phases { get; set; } = [];

    /// <summary>How long outages lasted: of applications where there are some, else of machines.</summary>
    public IList<OutageClass> Outages { get; set; } = [];

    /// <summary>The longest outages: of applications where there are some, else of machines.</summary>
    public IList<OutageRecord> LongestOutages { get; set; } = [];

    /// <summary>How often machines found no room.</summary>
    public CapacityShortfall Shortfall { get; set; } = new();

    /// <summary>What was lost by going to replicas; null when nothing is replicated.</summary>
    public RecoveryPointFigure? RecoveryPoint { get; set; }

    /// <summary>What would make it better, the best first.</summary>
    public IList<Improvement> Improvements { get; set; } = [];

    /// <summary>What differs from a baseline; empty without one.</summary>
    public IList<AvailabilityDifference> Differences { get; set; } = [];

    /// <summary>What was taken for what nobody gave.</summary>
    public IList<Assumption> Assumptions { get; set; } = [];

    /// <summary>What a reader has to know to understand the figures.</summary>
    public IList<string> Notes { get; set; } = [];

    /// <summary>A first answer by closed forms, before anything is simulated; null where they do not apply.</summary>
    public double? ClosedFormAvailability { get; set; }

    /// <summary>The model, to repeat it.</summary>
    public FleetModel Model { get; set; } = new();

    /// <summary>The seed, to repeat it.</summary>
    public long Seed { get; set; }

    /// <summary>The years of each replication that count.</summary>
    public double Years { get; set; }

    /// <summary>The years at the beginning of each replication that do not count.</summary>
    public double WarmUpYears { get; set; }

    /// <summary>How many replications were run.</summary>
    public int Replications { get; set; }

    /// <summary>How many events were simulated.</summary>
    public long Events { get; set; }

    /// <summary>The same for every run of this model with this seed, on any number of threads.</summary>
    public string Fingerprint { get; set; } = "";

    /// <summary>How long it took.</summary>
    public TimeSpan Elapsed { get; set; }

    /// <summary>The unavailability of each replication, to compare pair by pair.</summary>
    public IList<SampleSeries> Samples { get; set; } = [];

    /// <summary>The answer.</summary>
    public override string ToString() => Answer;
}

/// <summary>How available something is.</summary>
public sealed class AvailabilityFigure
{
    /// <summary>Its name.</summary>
    public string Name { get; set; } = "";

    /// <summary>What it is: <c>Fleet</c>, <c>Application</c>, <c>Group</c> or <c>Machine</c>.</summary>
    public string Kind { get; set; } = "";

    /// <summary>How many machines it stands for.</summary>
    public int MachineCount { get; set; } = 1;

    /// <summary>The share of time that it is available, planned downtime counted as down.</summary>
    public double Availability { get; set; }

    /// <summary>The lower end of its 95 % interval.</summary>
    public double Low { get; set; }

    /// <summary>The upper end of its 95 % interval.</summary>
    public double High { get; set; }

    /// <summary>Minutes down a year, planned or not; of one machine on average for a group.</summary>
    public double MinutesPerYear { get; set; }

    /// <summary>The planned part of them.</summary>
    public double PlannedMinutesPerYear { get; set; }

    /// <summary>Unplanned interruptions in 100 years of one machine (AIR, the annual interruption rate).</summary>
    public double InterruptionsPer100Years { get; set; }

    /// <summary>The mean length of an unplanned interruption in minutes; null when there was none.</summary>
    public double? MeanOutageMinutes { get; set; }

    /// <summary>The chance that a month breaks the promise; null without one.</summary>
    public double? MissChance { get; set; }

    /// <summary>The lower end of its 95 % interval.</summary>
    public double? MissChanceLow { get; set; }

    /// <summary>The upper end of its 95 % interval.</summary>
    public double? MissChanceHigh { get; set; }

    /// <summary>The credit to expect, in percent of a month's price; null without a promise.</summary>
    public double? ExpectedCreditPercent { get; set; }

    /// <summary>How it was estimated: <c>Replications</c>, <c>BatchMeans</c> or <c>ImportanceSampling</c>.</summary>
    public string Method { get; set; } = "Replications";

    /// <summary>The name and the availability.</summary>
    public override string ToString() => FormattableString.Invariant($"{Name} {Availability * 100:0.#####} %");

    internal static AvailabilityFigure Of(string kind, string name, Estimate unavailability) => new()
    {
        Kind = kind,
        Name = name,
        Availability = 1 - unavailability.Mean,
        Low = Math.Clamp(1 - unavailability.High, 0, 1),
        High = Math.Clamp(1 - unavailability.Low, 0, 1),
        MinutesPerYear = unavailability.Mean * TimeText.Year / 60,
    };
}

/// <summary>The unavailability of something in each replication.</summary>
public sealed class SampleSeries
{
    /// <summary>What it is of; empty for all machines.</summary>
    public string Name { get; set; } = "";

    /// <summary>The unavailability, from 0 to 1, in the order of the replications.</summary>
    public IList<double> Values { get; set; } = [];
}
