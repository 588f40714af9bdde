using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace AzureIaaS.Demo;

/// <summary>Where the demo plays: a fabric of its own, a clock, and the table that it ends with.</summary>
internal sealed partial class DemoStage : IDisposable
{
    private readonly List<(string What, TimeSpan Time)> _steps = [];
    private string _lastOutput = "";

    public DemoStage()
    {
        var root = FindRoot();
        Shell = OnPath("pwsh") ? new PowerShellDemo(root) : new CommandLineDemo(root);
    }

    /// <summary>The demo's own folder; its images, its settings and its fabric lie in it.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("iaas-demo-").FullName;

    public DemoShell Shell { get; }

    /// <summary>Does something, and takes its time.</summary>
    public async Task StepAsync(string what, Func<Task> work)
    {
        Console.WriteLine($"\n# {what}");
        var time = Stopwatch.StartNew();
        await work();
        _steps.Add((what, time.Elapsed));
    }

    /// <summary>Runs a command as a user would, and shows it with its output.</summary>
    public async Task CommandAsync(string command, CancellationToken cancellation)
    {
        Console.WriteLine($"\n> {command}");
        var time = Stopwatch.StartNew();
        var (program, arguments) = Shell.ToRun(command);
        _lastOutput = await RunAsync(program, arguments, cancellation);
        _steps.Add((command.Replace(Folder + "/", "", StringComparison.Ordinal), time.Elapsed));
        Console.WriteLine(_lastOutput.Trim());
    }

    public Task QemuImgAsync(string[] arguments, CancellationToken cancellation) => RunAsync("qemu-img", arguments, cancellation);

    /// <summary>The boot counter that the console output just shown tells.</summary>
    public int BootCounter() => BootLine().Match(_lastOutput) is { Success: true } match ? int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture)
        : throw new DemoFailedException($"the console does not tell the boot counter: {_lastOutput}");

    public void PrintTable()
    {
        var width = _steps.Max(s => s.What.Length);
        Console.WriteLine($"{"step".PadRight(width)}  seconds");
        Console.WriteLine($"{new string('-', width)}  -------");
        foreach (var (what, time) in _steps)
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what.PadRight(width)}  {time.TotalSeconds,7:0.0}"));
    }

    /// <summary>Removes the machines, whatever happened before.</summary>
    public async Task CleanUpAsync()
    {
        var (program, arguments) = Shell.ToRun(Shell.RemoveAll());
        await RunAsync(program, arguments, CancellationToken.None);
    }

    public void Dispose() => Directory.Delete(Folder, recursive: true);

    private async Task<string> RunAsync(string program, string[] arguments, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["XDG_CONFIG_HOME"] = Path.Combine(Folder, "config");
        start.Environment["XDG_DATA_HOME"] = Path.Combine(Folder, "data");
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(CancellationToken.None), process.StandardError.ReadToEndAsync(CancellationToken.None));
        try
        {
            await process.WaitForExitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return process.ExitCode == 0 ? await output : throw new DemoFailedException($"'{program}' failed: {(await error).Trim()} {(await output).Trim()}");
    }

    private static bool OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator).Any(f => File.Exists(Path.Combine(f, program)));

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AzureIaaS.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The demo does not lie in the project's folder.");
        return folder;
    }

    [GeneratedRegex(@"guest: boot (\d+)")]
    private static partial Regex BootLine();
}
