namespace AzureIaaS.Simulation;

/// <summary>What a cause did to machines.</summary>
public sealed class CauseShare
{
    /// <summary>The cause.</summary>
    public OutageCause Cause { get; set; }

    /// <summary>Minutes down a year that it costs each machine on average.</summary>
    public double MinutesPerYear { get; set; }

    /// <summary>Its share of all downtime, from 0 to 1.</summary>
    public double Share { get; set; }

    /// <summary>How often it happens in the fleet, a year.</summary>
    public double EventsPerYear { get; set; }

    /// <summary>Its blast radius: how many machines it interrupts at once, on average.</summary>
    public double MeanMachines { get; set; }

    /// <summary>The most machines that it interrupted at once.</summary>
    public int MostMachines { get; set; }

    /// <summary>The cause.</summary>
    public override string ToString() => Cause.ToString();
}

/// <summary>How long machines that were down waited for something.</summary>
public sealed class PhaseShare
{
    /// <summary>What they waited for.</summary>
    public OutagePhase Phase { get; set; }

    /// <summary>Minutes a year for each machine on average.</summary>
    public double MinutesPerYear { get; set; }

    /// <summary>Its share of all downtime, from 0 to 1.</summary>
    public double Share { get; set; }

    /// <summary>The phase.</summary>
    public override string ToString() => Phase.ToString();
}

/// <summary>Outages of similar length.</summary>
public sealed class OutageClass
{
    /// <summary>The length that they do not reach, in seconds; infinite for the last class.</summary>
    [System.Text.Json.Serialization.JsonNumberHandling(System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    public double UpToSeconds { get; set; }

    /// <summary>The lengths in words: <c>1 min to 5 min</c>.</summary>
    public string Length { get; set; } = "";

    /// <summary>How many there are in a year.</summary>
    public double PerYear { get; set; }

    /// <summary>Their share of all outages, from 0 to 1.</summary>
    public double Share { get; set; }

    /// <summary>The lengths.</summary>
    public override string ToString() => Length;
}

/// <summary>An outage that was longer than most.</summary>
public sealed class OutageRecord
{
    /// <summary>What was down.</summary>
    public string Name { get; set; } = "";

    /// <summary>For how long.</summary>
    public TimeSpan Duration { get; set; }

    /// <summary>What took it down.</summary>
    public OutageCause Cause { get; set; }

    /// <summary>What failed: <c>host17</c>, <c>zone 2</c>.</summary>
    public string Source { get; set; } = "";

    /// <summary>The replication it happened in.</summary>
    public int Replication { get; set; }

    /// <summary>When, from the beginning of the replication, in days.</summary>
    public double Day { get; set; }

    /// <summary>What made it long; null when there is nothing to say.</summary>
    public string? Note { get; set; }

    /// <summary>What was down, for how long, and why.</summary>
    public override string ToString() => $"{Name} down for {TimeText.Format(Duration.TotalSeconds)}: {Source}";
}

/// <summary>How often machines found no room on any host.</summary>
public sealed class CapacityShortfall
{
    /// <summary>How many machines found no room, in a year of the whole fleet.</summary>
    public double MachinesPerYear { get; set; }

    /// <summary>The hours that machines waited for room, in a year of the whole fleet.</summary>
    public double MachineHoursPerYear { get; set; }

    /// <summary>The most that waited at once.</summary>
    public int MostAtOnce { get; set; }
}

/// <summary>The work that is lost by going on with a replica.</summary>
public sealed class RecoveryPointFigure
{
    /// <summary>How many machines go to their replicas, in a year of the whole fleet.</summary>
    public double RecoveriesPerYear { get; set; }

    /// <summary>The mean loss; zero when there was none.</summary>
    public TimeSpan Mean { get; set; }

    /// <summary>The worst that was seen.</summary>
    public TimeSpan Worst { get; set; }

    /// <summary>The mean that the period and the lag of the replication give.</summary>
    public TimeSpan Expected { get; set; }
}

/// <summary>A change of the model, and what it brings.</summary>
public sealed class Improvement
{
    /// <summary>The change, in words.</summary>
    public string Change { get; set; } = "";

    /// <summary>The parameter that it changes.</summary>
    public string Parameter { get; set; } = "";

    /// <summary>The minutes down a year that it saves; less than 0 when it costs some.</summary>
    public double MinutesSavedPerYear { get; set; }

    /// <summary>The lower end of its 95 % interval.</summary>
    public double Low { get; set; }

    /// <summary>The upper end of its 95 % interval.</summary>
    public double High { get; set; }

    /// <summary>Whether the interval excludes that it brings nothing.</summary>
    public bool IsSignificant => Low > 0 || High < 0;

    /// <summary>The change.</summary>
    public override string ToString() => Change;
}

/// <summary>What changed against a baseline, with the same random numbers in both.</summary>
public sealed class AvailabilityDifference
{
    /// <summary>What it is of.</summary>
    public string Name { get; set; } = "";

    /// <summary>The baseline's minutes down a year.</summary>
    public double BaselineMinutesPerYear { get; set; }

    /// <summary>These minutes down a year.</summary>
    public double MinutesPerYear { get; set; }

    /// <summary>The minutes down a year that are saved; less than 0 when it became worse.</summary>
    public double MinutesSavedPerYear { get; set; }

    /// <summary>The lower end of its 95 % interval, from the differences of the pairs.</summary>
    [System.Text.Json.Serialization.JsonNumberHandling(System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals)]   // of a single pair, nothing bounds it
    public double Low { get; set; }

    /// <summary>The upper end of its 95 % interval.</summary>
    [System.Text.Json.Serialization.JsonNumberHandling(System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    public double High { get; set; }

    /// <summary>Whether the interval excludes that nothing changed.</summary>
    public bool IsSignificant => Low > 0 || High < 0;

    /// <summary>What it is of, and what is saved.</summary>
    public override string ToString() => FormattableString.Invariant($"{Name}: {MinutesSavedPerYear:0.##} min a year saved");
}
