using System.Globalization;

namespace AzureIaaS.Benchmarks.Measuring;

/// <summary>Processor time of a QEMU: of the thread that runs its guest, and of the others, which carry its frames.</summary>
/// <param name="process">The process.</param>
/// <param name="processor">The guest's thread.</param>
internal sealed class ProcessTimes(int process, int processor)
{
    private const int UserTime = 11;   // proc(5), stat, counted from the field after the program's name
    private const int TicksPerSecond = 100;

    /// <summary>The time that the guest's processor ran.</summary>
    public TimeSpan OfGuest => Read($"/proc/{process}/task/{processor}/stat");

    /// <summary>The time of all its threads.</summary>
    public TimeSpan OfAll => OfProcess(process);

    /// <summary>The time of all threads of a process.</summary>
    /// <param name="id">Its number.</param>
    public static TimeSpan OfProcess(int id) => Read($"/proc/{id}/stat");

    private static TimeSpan Read(string path)
    {
        var text = File.ReadAllText(path);
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        return TimeSpan.FromSeconds((double)(Ticks(fields[UserTime]) + Ticks(fields[UserTime + 1])) / TicksPerSecond);
    }

    private static long Ticks(string field) => long.Parse(field, CultureInfo.InvariantCulture);
}
