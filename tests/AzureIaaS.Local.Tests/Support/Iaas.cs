using System.Diagnostics;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Tests.Support;

/// <summary>The command line as a process of its own, for what only processes can show: races, kill -9, inherited pipes.</summary>
internal static class Iaas
{
    /// <summary>The command line.</summary>
    public static string Program { get; } = Path.Combine(Root(), "bin", "cli", "iaas");

    /// <summary>How a session has its watcher and its switches started: as processes of their own.</summary>
    public static WatcherCommand Background(TestFabric fabric)
    {
        string[] where = ["--path", fabric.Root, "--hypervisor", fabric.Context.Hypervisor.ToString(), "--until-idle"];
        return new WatcherCommand(Program, ["fabric", "watch", .. where]) { SwitchArguments = network => ["network", "switch", network.ToString(), .. where], LinkArguments = vm => ["fabric", "serve", vm.ToString(), .. where[..^1]] };
    }

    /// <summary>Starts a command on a fabric.</summary>
    public static Process Start(TestFabric fabric, params string[] arguments) => Launch(fabric, new ProcessStartInfo(Program, arguments));

    /// <summary>Starts one of several processes that ask everything of one machine at once.</summary>
    public static Process Race(TestFabric fabric, VirtualMachine machine, int seed, int rounds, int delayMilliseconds)
    {
        string[] arguments = [fabric.Root, fabric.Context.Hypervisor.ToString(), machine.Name, $"{seed}", $"{rounds}"];
        var start = new ProcessStartInfo("dotnet", [Racer(), .. arguments]);
        start.Environment["AZUREIAAS_SIMULATED_DELAY"] = $"{delayMilliseconds}";
        return Launch(fabric, start);
    }

    /// <summary>The program that races, and plays other parts.</summary>
    public static string Racer() => Path.Combine(Root(), "tests", "Racer", "bin", "Release", "net10.0", "AzureIaaS.Racer.dll");

    private static Process Launch(TestFabric fabric, ProcessStartInfo start, string input = "")
    {
        (start.RedirectStandardOutput, start.RedirectStandardError, start.RedirectStandardInput) = (true, true, true);
        start.Environment["XDG_CONFIG_HOME"] = Path.Combine(fabric.Folder, "config");
        start.Environment["XDG_DATA_HOME"] = Path.Combine(fabric.Folder, "data");
        var process = Process.Start(start)!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        return process;
    }

    /// <summary>Runs a command to its end.</summary>
    public static Task<(int ExitCode, string Output, string Error)> RunAsync(TestFabric fabric, params string[] arguments) => RunWithInputAsync(fabric, "", arguments);

    /// <summary>Runs a command to its end that reads something from its standard input.</summary>
    public static async Task<(int ExitCode, string Output, string Error)> RunWithInputAsync(TestFabric fabric, string input, params string[] arguments)
    {
        using var process = Launch(fabric, new ProcessStartInfo(Program, arguments), input);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(3));
        await process.WaitForExitAsync(limit.Token);
        return (process.ExitCode, await output.WaitAsync(limit.Token), await error.WaitAsync(limit.Token));
    }

    /// <summary>Makes the fabric the current context of its own configuration folder.</summary>
    public static async Task ConnectAsync(TestFabric fabric)
    {
        var (exitCode, _, error) = await RunAsync(fabric, "connect", "--path", fabric.Root, "--hypervisor", fabric.Context.Hypervisor.ToString(), "--name", "test");
        Assert.True(exitCode == 0, error);
    }

    /// <summary>The project's folder.</summary>
    public static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AzureIaaS.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not lie in the project's folder.");
        return folder;
    }
}
