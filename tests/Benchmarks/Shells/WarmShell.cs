using System.Diagnostics;
using System.Globalization;

namespace AzureIaaS.Benchmarks.Shells;

/// <summary>A PowerShell that stays, with the module imported: commands go in as lines, and their time comes back.</summary>
internal sealed class WarmShell : IDisposable
{
    private const string Done = "#done ";
    private const string Failed = "#failed ";

    // A loop of our own: with '-Command -' the shell would take each line for a script of its own, with what that costs.
    private const string Loop =
        """
        $ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'
        while ($null -ne ($line = [Console]::In.ReadLine())) {
            $command = [scriptblock]::Create($line)
            try { $time = [Diagnostics.Stopwatch]::StartNew(); $null = . $command; [Console]::Out.WriteLine('#done ' + $time.Elapsed.Ticks) }
            catch { [Console]::Out.WriteLine('#failed ' + $_) }
        }
        """;

    private readonly Process _process;

    /// <summary>Starts it, and imports the module.</summary>
    public WarmShell()
    {
        _process = Process.Start(new ProcessStartInfo("pwsh", ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", Loop])
        {
            RedirectStandardInput = true, RedirectStandardOutput = true,
        })!;
        Run($"Import-Module '{Workshop.Module}'");
    }

    /// <summary>Whether there is a PowerShell.</summary>
    public static bool Exists => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(p => File.Exists(Path.Combine(p, "pwsh")));

    /// <summary>Runs a command.</summary>
    /// <param name="command">The command; its output is dropped.</param>
    /// <returns>How long it took.</returns>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public TimeSpan Run(string command)
    {
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
        while (_process.StandardOutput.ReadLine() is { } line)
        {
            if (line.StartsWith(Done, StringComparison.Ordinal))
                return TimeSpan.FromTicks(long.Parse(line[Done.Length..], CultureInfo.InvariantCulture));
            if (line.StartsWith(Failed, StringComparison.Ordinal))
                throw new InvalidOperationException($"{command}: {line[Failed.Length..]}");
        }

        throw new InvalidOperationException($"{command}: the shell ended.");
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }
}
