using System.Text.Json;
using System.Text.RegularExpressions;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.CommandLine;

/// <summary>A simulated fabric that is worked on by <c>iaas</c> alone, each command a process of its own with its output piped.</summary>
internal sealed partial class CommandLineFabric : IDisposable
{
    public TestFabric Fabric { get; } = new(HypervisorKind.Simulated);

    /// <summary>Makes one with machines of these names.</summary>
    public static async Task<CommandLineFabric> CreateAsync(params string[] machines)
    {
        var made = new CommandLineFabric();
        await Iaas.ConnectAsync(made.Fabric);
        foreach (var name in machines)
            await made.Fabric.ImportAsync(name);
        return made;
    }

    /// <summary>Runs a command that must succeed, and gives what it printed, which must be one JSON object a line.</summary>
    public Task<JsonElement[]> GivesAsync(params string[] arguments) => GivesFromAsync("", arguments);

    /// <summary>The same with something on standard input.</summary>
    public async Task<JsonElement[]> GivesFromAsync(string input, params string[] arguments)
    {
        var (exitCode, output, error) = await Iaas.RunWithInputAsync(Fabric, input, arguments);
        Assert.True(exitCode == 0, $"iaas {string.Join(' ', arguments)} ended with {exitCode}: {error}");
        return Parse(output);
    }

    /// <summary>Runs a command that must fail with an exit code, and gives what it said; in this program's own words, with what to do.</summary>
    public async Task<string> RefusesAsync(int exitCode, params string[] arguments)
    {
        var (ended, _, error) = await Iaas.RunAsync(Fabric, arguments);
        Assert.True(ended == exitCode, $"iaas {string.Join(' ', arguments)} ended with {ended}, not {exitCode}: {error}");
        Assert.StartsWith("iaas: ", error, StringComparison.Ordinal);
        Assert.Contains("\n  → ", error, StringComparison.Ordinal);
        Assert.False(Cmdlet().IsMatch(error), $"It speaks of cmdlets or their parameters: {error}");
        return error;
    }

    /// <summary>Runs a command with --what-if, which must change nothing.</summary>
    public async Task<string> WouldAsync(params string[] arguments)
    {
        var before = State();
        var (exitCode, output, error) = await Iaas.RunAsync(Fabric, [.. arguments, "--what-if"]);
        Assert.True(exitCode == 0, error);
        Assert.Equal("", output);
        Assert.Equal(before, State());
        return error;
    }

    /// <summary>The values of a property, in order.</summary>
    public static string[] Values(IEnumerable<JsonElement> objects, string property) => [.. objects.Select(o => o.GetProperty(property).ToString())];

    public static JsonElement[] Parse(string lines) => [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(l => JsonDocument.Parse(l).RootElement)];

    public void Dispose() => Fabric.Dispose();

    private string State() => string.Join('\n', Fabric.Session.Store.Hosts.List().Select(h => $"{h.Name} {h.State}")
        .Concat(Fabric.Session.Store.Machines.List().Select(m => Describe(m.Machine))));

    /// <summary>What a command could change; what the watcher finds out meanwhile is left out.</summary>
    private static string Describe(VirtualMachine m) =>
        $"{m.Name} {m.State} {m.Host} {m.ProcessId} {m.Cpu} {m.Memory} {m.AvailabilitySet} {m.StartOrder} {m.CurrentCheckpoint} {m.Disks.Count} {m.Checkpoints.Count}";

    [GeneratedRegex(@"-IaaS|(?<=\s)-[A-Z][a-z]+", RegexOptions.CultureInvariant)]
    private static partial Regex Cmdlet();
}
