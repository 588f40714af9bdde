using AzureIaaS.Providers;

namespace AzureIaaS.Simulation;

/// <summary>How a forecast is made.</summary>
public sealed record SimulationOptions
{
    /// <summary>The years of each replication that count, above 0 and up to 10,000 with the warm-up.</summary>
    public double Years { get; init; } = 10;

    /// <summary>The years at the beginning that do not count, since everything begins up; null to derive them from the repair times.</summary>
    public double? WarmUpYears { get; init; }

    /// <summary>How many replications are run; null for as many as the precision needs.</summary>
    public int? Replications { get; init; }

    /// <summary>Half the interval's width, as a share of the unavailability, at which enough has been seen; null for 5 % within a bounded effort.</summary>
    public double? Precision { get; init; }

    /// <summary>The seed.</summary>
    public long Seed { get; init; } = 1;

    /// <summary>How many threads work; it changes nothing but the time.</summary>
    public int Threads { get; init; } = Environment.ProcessorCount;

    /// <summary>Whether to find out what would make it better; null to do so when it takes seconds.</summary>
    public bool? Sensitivity { get; init; }

    /// <summary>Whether rare outages are estimated by importance sampling; null to do so for an application that plain replications saw fail too seldom.</summary>
    public bool? RareEvents { get; init; }

    /// <summary>The report to compare with.</summary>
    public AvailabilityReport? Baseline { get; init; }

    /// <summary>What was asked, for the report; null to say it in terms of the model.</summary>
    public string? Question { get; init; }

    /// <summary>Receives steps and warnings.</summary>
    public IProgress<Notice>? Notices { get; init; }
}
