using System.Text.RegularExpressions;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Consoles;

/// <summary>Reads a machine's console from where its present run begins, and looks for what is waited for.</summary>
internal sealed class ConsoleFollower
{
    private readonly string _path;
    private readonly ConsoleLog.LineSplitter _splitter = new();
    private long _position;

    private ConsoleFollower(MachineFiles files, long position, string name, IReadOnlyList<string> adapters)
    {
        _path = files.Console;
        Files = files;
        _position = position;
        Name = name;
        Adapters = adapters;
    }

    /// <summary>The machine's name.</summary>
    public string Name { get; }

    /// <summary>The machine's files.</summary>
    public MachineFiles Files { get; }

    /// <summary>The names of the machine's adapters that are on no network: nobody else listens to them.</summary>
    public IReadOnlyList<string> Adapters { get; }

    /// <summary>Begins to follow.</summary>
    /// <param name="keeper">Who knows the machine.</param>
    /// <param name="id">The machine's id.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<ConsoleFollower> OpenAsync(MachineKeeper keeper, Guid id, CancellationToken cancellation)
    {
        using var owned = await keeper.OwnAsync(id, cancellation);
        return new ConsoleFollower(owned.Files, owned.Notes.ConsoleStart, owned.Machine.Name, [.. owned.Machine.NetworkAdapters.Where(a => a.NetworkId is null).Select(a => a.Name)]);
    }

    /// <summary>Looks through what is new.</summary>
    /// <param name="options">What is waited for.</param>
    /// <returns>What was seen, as a sentence's end; null for nothing.</returns>
    public string? Seen(WaitOptions options)
    {
        var lines = ConsoleLog.ReadNew(_path, ref _position, _splitter);
        // A prompt has no end of line.
        foreach (var line in lines.Append(_splitter.Rest))
        {
            if (options.Pattern is { } pattern ? Matches(pattern, ConsoleText.Clean(line)) : GuestSigns.IsGuests(line))
                return $"its console said: {ConsoleText.Clean(line).Trim()}";
        }

        return null;
    }

    /// <summary>The last line with anything on it, since a position.</summary>
    /// <param name="path">The log.</param>
    /// <param name="from">The position in bytes.</param>
    public static string? LastLine(string path, long from)
    {
        var splitter = new ConsoleLog.LineSplitter();
        var lines = ConsoleLog.ReadNew(path, ref from, splitter);
        return lines.Append(splitter.Rest).Select(l => ConsoleText.Clean(l).Trim()).LastOrDefault(l => l.Length > 0);
    }

    private static bool Matches(Regex pattern, string line)
    {
        try
        {
            return pattern.IsMatch(line);
        }
        catch (RegexMatchTimeoutException)
        {
            return false;   // a guest's line must not hold up its reader
        }
    }
}
