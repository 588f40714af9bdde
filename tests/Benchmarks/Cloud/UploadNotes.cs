using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;
using AzureIaaS.Providers;

namespace AzureIaaS.Benchmarks.Cloud;

/// <summary>Reads what an upload says of itself.</summary>
/// <param name="work">Says how much processor time everybody who takes part has used; null where that is not asked.</param>
internal sealed partial class UploadNotes(Func<TimeSpan>? work = null) : IProgress<Notice>
{
    /// <summary>How many bytes the last upload has sent.</summary>
    public long Sent { get; private set; }

    /// <summary>By how many requests.</summary>
    public long Requests { get; private set; }

    /// <summary>How long it took from the first byte that was read to the footer that was written, all checks included.</summary>
    public TimeSpan Elapsed { get; private set; }

    /// <summary>The processor time that it took meanwhile.</summary>
    public TimeSpan Work { get; private set; }

    private long? _started;
    private TimeSpan _workBefore;

    public void Report(Notice value)
    {
        if (value.Kind == NoticeKind.Step && value.Text.StartsWith("Copying", StringComparison.Ordinal))
            Begin();
        if (Said().Match(value.Text) is not { Success: true } said)
            return;
        Sent = long.Parse(said.Groups[1].Value, NumberStyles.AllowThousands, CultureInfo.CurrentCulture);
        Elapsed = _started is { } started ? Stopwatch.GetElapsedTime(started) : TimeSpan.Zero;
        Work = work?.Invoke() - _workBefore ?? TimeSpan.Zero;
        _started = null;
        Requests = long.Parse(said.Groups[2].Value, NumberStyles.AllowThousands, CultureInfo.CurrentCulture);
    }

    private void Begin()
    {
        if (_started is not null)
            return;
        _started = Stopwatch.GetTimestamp();
        _workBefore = work?.Invoke() ?? TimeSpan.Zero;
    }

    [GeneratedRegex(@"ranges; ([\d,.\u00A0\u202F ]+) of them sent now, by ([\d,.\u00A0\u202F ]+) requests")]
    private static partial Regex Said();
}
