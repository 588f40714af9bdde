using System.Globalization;
using System.Text;
using AzureIaaS.Local.Processes;

namespace AzureIaaS.Local.Hypervisors.Simulated;

/// <summary>
/// What a simulated machine's file says of its process: one line of fixed length, written over in one piece. Making a new file each time would be
/// the most expensive part of a simulation. Whoever reads while it is written finds that the line's two ends differ, and reads again.
/// </summary>
/// <param name="Condition">What it is doing.</param>
/// <param name="Process">Which process it is.</param>
internal sealed record SimulatedProcess(ProcessCondition Condition, ProcessIdentity Process)
{
    /// <summary>The boot that every simulated process belongs to.</summary>
    public const string BootId = "simulated";

    private const int LineLength = 96;
    private const int Fields = 4;   // condition, number, start time, condition

    /// <summary>Writes it down.</summary>
    /// <param name="file">The file.</param>
    public void Write(string file)
    {
        var line = string.Create(CultureInfo.InvariantCulture, $"{Condition} {Process.Id} {Process.StartTime}");
        line = line.PadRight(LineLength - 2 - Condition.ToString().Length) + ' ' + Condition + '\n';
        using var handle = File.OpenHandle(file, FileMode.OpenOrCreate, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
        RandomAccess.Write(handle, Encoding.ASCII.GetBytes(line), 0);
    }

    /// <summary>Reads it.</summary>
    /// <param name="file">The file.</param>
    /// <returns>The process; null when there is none.</returns>
    public static SimulatedProcess? Read(string file)
    {
        try
        {
            using var handle = File.OpenHandle(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            Span<byte> line = stackalloc byte[LineLength];
            while (RandomAccess.Read(handle, line, 0) == LineLength)
            {
                if (Parse(Encoding.ASCII.GetString(line)) is { } whole)
                    return whole;
            }

            return null;   // whoever made it died before it could write
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static SimulatedProcess? Parse(string line)
    {
        var parts = line.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries);
        return parts.Length == Fields && parts[0] == parts[^1]
            ? new SimulatedProcess(Enum.Parse<ProcessCondition>(parts[0]),
                new ProcessIdentity(int.Parse(parts[1], CultureInfo.InvariantCulture), long.Parse(parts[2], CultureInfo.InvariantCulture), BootId))
            : null;
    }
}
