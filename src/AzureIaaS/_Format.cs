using System.Management.Automation;

namespace AzureIaaS.PowerShell;

/// <summary>What the format views call: formatting is code with tests, not script inside XML.</summary>
#pragma warning disable CA1707 // the underscore keeps it out of completions
public static class _Format
#pragma warning restore CA1707
{
    /// <summary>A size in the largest unit that fits.</summary>
    /// <param name="bytes">The size in bytes.</param>
    public static string Size(long bytes) => ByteSize.Format(bytes);

    /// <summary>The sum of a machine's disks.</summary>
    /// <param name="machine">The machine, or what a job or a file has made of it.</param>
    public static string Disks(PSObject machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        if (LanguagePrimitives.GetEnumerable(machine.Properties["Disks"]?.Value) is not { } disks)
            return "";
        var lengths = disks.Cast<object>().Select(d => PSObject.AsPSObject(d).Properties["Length"]?.Value).ToList();

        // A disk that a shallow serialization has made a text of has the text's length.
        return lengths.All(l => l is long) ? ByteSize.Format(lengths.Sum(l => (long)l!)) : "";
    }

    /// <summary>Why a machine is in its state, or what its guest has shown of itself.</summary>
    /// <param name="machine">The machine, or what a job or a file has made of it.</param>
    public static string Note(PSObject machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return machine.Properties["StateReason"]?.Value is string reason ? reason
            : machine.Properties["BootEvidence"]?.Value is string evidence ? $"alive: {evidence}"
            : "";
    }

    /// <summary>A forecast: the answer, the figures, and bars of where the time goes.</summary>
    /// <param name="report">The forecast.</param>
    public static string Availability(AzureIaaS.Simulation.AvailabilityReport report) => AzureIaaS.Reports.TextReport.Write(report);

    /// <summary>An availability with its interval.</summary>
    /// <param name="figure">The figure.</param>
    public static string Interval(AzureIaaS.Simulation.AvailabilityFigure figure) => AzureIaaS.Reports.TextReport.Interval(figure);

    /// <summary>A bar as long as a share.</summary>
    /// <param name="share">The share, from 0 to 1.</param>
    public static string Bar(double share) => AzureIaaS.Reports.Histogram.Bar(share, 20);

    /// <summary>Why a host is in its state, or the machines that have their place on it.</summary>
    /// <param name="host">The host, or what a job or a file has made of it.</param>
    public static string Host(PSObject host)
    {
        ArgumentNullException.ThrowIfNull(host);
        return host.Properties["StateReason"]?.Value is string reason ? reason
            : host.Properties["Machines"]?.Value is { } machines && LanguagePrimitives.GetEnumerable(machines) is { } names ? string.Join(", ", names.Cast<object>())
            : "";
    }
}
