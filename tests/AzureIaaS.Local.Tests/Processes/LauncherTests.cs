using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using AzureIaaS.Local.Processes;
using AzureIaaS.Local.Tests.Support;

namespace AzureIaaS.Local.Tests.Processes;

public sealed class LauncherTests : IDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    private readonly string _folder = Directory.CreateTempSubdirectory("azureiaas-").FullName;

    private string Log => Path.Combine(_folder, "log");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task TheProcessHasASessionOfItsOwnAndNoInheritedDescriptor()
    {
        using var mine = new FileStream(Path.Combine(_folder, "mine"), FileMode.Create);
        var output = await RunAsync("cat /proc/self/stat; ls -l /proc/self/fd", null);
        var stat = output.Split('\n')[0];
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        Assert.NotEqual(SessionOf(Environment.ProcessId), int.Parse(fields[3], CultureInfo.InvariantCulture));
        Assert.DoesNotContain("mine", output, StringComparison.Ordinal);
        Assert.DoesNotContain("pipe:", output, StringComparison.Ordinal);
        Assert.Contains("0 -> /dev/null", output, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task AConfinedProcessReadsWhatItMayAndNothingElse()
    {
        Skip.If(Confinement.LandlockVersion == 0, "this kernel has no Landlock");
        File.WriteAllText(Path.Combine(_folder, "own"), "own");
        var outside = Directory.CreateTempSubdirectory("outside-").FullName;
        try
        {
            File.WriteAllText(Path.Combine(outside, "secret"), "secret");
            var output = await RunAsync(
                $"cat {_folder}/own; echo; echo x > {_folder}/new && echo wrote; cat {outside}/secret; echo x > {outside}/new; cat /etc/passwd; ls /root", Rules());
            Assert.Contains("own\n", output, StringComparison.Ordinal);
            Assert.Contains("wrote", output, StringComparison.Ordinal);
            Assert.DoesNotContain("root:", output, StringComparison.Ordinal);
            Assert.Equal(4, output.Split("ermission denied").Length - 1);
            Assert.False(File.Exists(Path.Combine(outside, "new")));
        }
        finally
        {
            Directory.Delete(outside, recursive: true);
        }
    }

    [Fact]
    public async Task AConfinedProcessHasNoCapabilityAndGetsNoNewPrivilege()
    {
        var output = await RunAsync("grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status", Rules());
        Assert.Matches(@"CapEff:\s+0{16}\n", output);
        Assert.Matches(@"NoNewPrivs:\s+1", output);
    }

    [SkippableFact]
    public async Task AConfinedProcessCannotListenOnTcp()
    {
        Skip.If(Confinement.LandlockVersion < 4, "this kernel's Landlock knows nothing of TCP");
        Skip.IfNot(File.Exists("/usr/bin/perl"), "perl is not installed");
        var output = await RunAsync("perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => \"127.0.0.1\") ? \"listens\" : \"refused: $!\"'", Rules());
        Assert.Contains("refused: Permission denied", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task TheShellItselfStaysFree()
    {
        await RunAsync("true", Rules());
        Assert.NotEmpty(File.ReadAllText("/etc/passwd"));
        using var stream = new FileStream(Path.GetTempFileName(), FileMode.Open, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose);
    }

    [Fact]
    public void AProgramThatIsNotThereIsSaidSo() =>
        Assert.Equal("LaunchFailed", Assert.Throws<IaaSException>(() => Launcher.Start("/nonexistent/program", [], _folder, Log, null)).ErrorId);

    [Fact]
    public async Task AProcessIsKnownByMoreThanItsNumber()
    {
        var id = Launcher.Start("/bin/sh", ["-c", "sleep 60"], _folder, Log, null);
        var process = ProcessTable.Find(id)!;
        Assert.True(ProcessTable.IsAlive(process));
        Assert.False(ProcessTable.IsAlive(process with { StartTime = process.StartTime - 1 }));
        Assert.False(ProcessTable.IsAlive(process with { Boot = "another" }));
        Assert.True(await ProcessTable.KillAsync(process, Soon));
        Assert.Null(ProcessTable.Find(id));
    }

    [Fact]
    public async Task AProcessLivesUntilItsLastThreadIsDead()
    {
        var held = Path.Combine(_folder, "held");
        using var started = Process.Start("dotnet", [Iaas.Racer(), "headless", held]);
        await WaitUntilAsync(() => StateOf(started.Id) == "Z");

        var process = ProcessTable.Find(started.Id)!;
        Assert.NotNull(process);
        Assert.True(ProcessTable.IsEnding(process));
        Assert.Throws<IOException>(() => File.Open(held, FileMode.Open, FileAccess.ReadWrite, FileShare.None));
        Assert.True(await ProcessTable.KillAsync(process, Soon));
        File.Open(held, FileMode.Open, FileAccess.ReadWrite, FileShare.None).Dispose();
    }

    [Fact]
    public async Task AChildThatWasLaunchedIsBuried()
    {
        var id = Launcher.Start("/bin/true", [], _folder, Log, null);
        await WaitUntilAsync(() => ProcessTable.Find(id) is null);
        Assert.False(Directory.Exists($"/proc/{id}"));
    }

    [Fact]
    public async Task AChildThatAnotherStartedIsLeftToIt()
    {
        // The runtime ends the whole process, a shell or this one, when a child of its own was buried by another. This one is nobody's.
        Assert.Equal(0, posix_spawn(out var id, "/bin/true", 0, 0, ["true", null], [null]));
        await WaitUntilAsync(() => ProcessTable.Find(id) is null);
        Assert.Equal("Z", StateOf(id));
        Assert.Equal(id, waitpid(id, 0, 0));
    }

    [Fact]
    public async Task AProcessIsFoundByAWholeArgumentOnly()
    {
        var mark = $"mark-{Guid.NewGuid():N}";
        var id = Launcher.Start("/bin/sh", ["-c", "sleep 60; true", mark], _folder, Log, null);
        var process = ProcessTable.Find(id)!;
        try
        {
            Assert.Equal(process, ProcessTable.FindByArgument(mark));
            Assert.Null(ProcessTable.FindByArgument(mark[..^1]));
            Assert.Null(ProcessTable.FindByArgument(mark + "x"));
        }
        finally
        {
            await ProcessTable.KillAsync(process, Soon);
        }
    }

    private Confinement Rules() => new(["/usr", "/lib", "/lib64", "/bin", "/etc/ld.so.cache", "/proc"], [_folder, "/dev/null"]);

    private async Task<string> RunAsync(string script, Confinement? confinement)
    {
        var id = Launcher.Start("/bin/sh", ["-c", script], _folder, Log, confinement);
        if (ProcessTable.Find(id) is { } process)
            Assert.True(await ProcessTable.WaitForEndAsync(process, Soon, CancellationToken.None));
        return await File.ReadAllTextAsync(Log);
    }

    private static async Task WaitUntilAsync(Func<bool> condition)
    {
        for (var i = 0; !condition(); i++)
        {
            Assert.True(i < 3000, "its process, or its first thread, does not end");
            await Task.Delay(10);
        }
    }

    private static string StateOf(int id) => File.ReadAllText($"/proc/{id}/stat").Split(") ")[1][..1];

    private static int SessionOf(int id)
    {
        var stat = File.ReadAllText($"/proc/{id}/stat");
        return int.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[3], CultureInfo.InvariantCulture);
    }

    [DllImport("libc")]
    private static extern int posix_spawn(out int process, string program, nint actions, nint attributes, string?[] arguments, string?[] environment);

    [DllImport("libc")]
    private static extern int waitpid(int process, nint status, int options);
}
