using System.Diagnostics;
using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Tests.Support;

namespace AzureIaaS.Azure.Tests.Upload;

/// <summary>Real processes that are killed at any moment of an upload, and the next one that goes on.</summary>
public sealed class KillTests
{
    private const int MiB = 1 << 20;
    private const int Size = 192;
    private const int Rounds = 2;
    private const int SoakRounds = 50;
    private const int SoakAtOnce = 4;   // a round waits more than it works

    [SkippableFact]
    public async Task An_upload_that_is_killed_at_any_moment_ends_as_the_same_bytes()
    {
        Skip.If(Azurite.Program is null, "azurite-blob is not installed; ./build.sh test does that where there is npm.");
        var program = Program();
        Skip.If(program is null, "bin/cli/iaas has not been built.");
        using var storage = await Azurite.StartAsync();
        using var azure = new TestAzure();   // for its folder and its images alone
        var image = azure.Image("web01.img", Size * (long)MiB, (0, 60 << 10), (100 << 10, 60 << 10), ((Size << 10) - 64, 64));
        var isSoak = Environment.GetEnvironmentVariable("AZUREIAAS_SOAK") is not null;
        var random = new Random(20_24);
        var rounds = Enumerable.Range(0, isSoak ? SoakRounds : Rounds).Select(round => (round, random.NextDouble() * 16, random.NextDouble() * 6)).ToList();
        await Parallel.ForEachAsync(rounds, new ParallelOptions { MaxDegreeOfParallelism = isSoak ? SoakAtOnce : 1 }, async (drawn, stop) =>
        {
            var (round, first, second) = drawn;
            using var server = new ArmServer(0);
            var arm = new ArmDouble.Arm(TimeProvider.System, storage) { PollsUntilDone = 0, RetryAfter = "0" };
            _ = server.RunAsync(arm);
            var home = Path.Combine(azure.Folder, $"home{round}");
            var name = $"web{round}";
            await RunAsync(program!, home, null, "connect", "--azure", "--subscription", $"{TestAzure.Subscription}", "--resource-group", "farm", "--location", "westeurope", "--environment", $"{server.Address}");
            string[] import = ["import", image, "--name", name, "--os-type", "Linux", "--firmware", "Bios"];
            // From before the disk is made to after its last page: whatever moment it is, the next one goes on.
            var killed = await RunAsync(program!, home, TimeSpan.FromSeconds(2 + first), import);
            await RunAsync(program!, home, TimeSpan.FromSeconds(6 + second), import);
            var last = await RunAsync(program!, home, null, import);

            Assert.True(last.Code == 0 || last.Output.Contains("VmNameTaken", StringComparison.Ordinal) || last.Output.Contains("already", StringComparison.Ordinal), $"{killed.Output}\n{last.Output}");
            var content = await storage.ReadAsync($"farm-{name}-disk0", 0, (Size * MiB) + 512);
            Assert.True(File.ReadAllBytes(image).AsSpan().SequenceEqual(content.AsSpan(0, Size * MiB)), $"round {round} differs");
            Assert.Equal("conectix"u8.ToArray(), content[^512..^504]);
            Assert.Equal("Unattached", (string?)arm.Resources[TestAzure.IdOf("Microsoft.Compute/disks", name + "-disk0")]["properties"]!["diskState"]);
            Assert.Single(arm.Resources.Keys, k => k.Contains("/disks/", StringComparison.Ordinal));
        });
    }

    private static async Task<(int Code, string Output)> RunAsync(string program, string home, TimeSpan? killAfter, params string[] arguments)
    {
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        (start.Environment["XDG_CONFIG_HOME"], start.Environment["XDG_DATA_HOME"]) = (Path.Combine(home, "config"), Path.Combine(home, "data"));
        start.Environment["DOTNET_ROOT"] = Path.GetDirectoryName(Environment.ProcessPath is { } host && Path.GetFileNameWithoutExtension(host) == "dotnet" ? host : "/usr/share/dotnet/dotnet");
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        using var limit = new CancellationTokenSource(killAfter ?? TimeSpan.FromMinutes(5));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();   // kill -9: nothing of it runs any more
            await process.WaitForExitAsync();
        }

        return (process.ExitCode, await output + await error);
    }

    private static string? Program()
    {
        for (var folder = AppContext.BaseDirectory; folder is not null; folder = Path.GetDirectoryName(folder.TrimEnd(Path.DirectorySeparatorChar)))
        {
            if (File.Exists(Path.Combine(folder, "AzureIaaS.slnx")))
                return Path.Combine(folder, "bin", "cli", "iaas") is var program && File.Exists(program) ? program : null;
        }

        return null;
    }
}
