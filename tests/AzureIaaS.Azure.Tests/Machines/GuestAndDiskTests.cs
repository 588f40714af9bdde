using System.Text.Json.Nodes;
using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Tests.Machines;

/// <summary>Disks added and taken away singly, and commands in guests.</summary>
public sealed class GuestAndDiskTests : IDisposable
{
    private const long MiB = 1 << 20;
    private const long GiB = 1L << 30;

    private readonly TestAzure _azure = new();

    public GuestAndDiskTests() => _azure.Arm.HasAgent = true;

    public void Dispose() => _azure.Dispose();

    private IMachineEditor Editor => (IMachineEditor)_azure.Provider;

    private IGuestProvider Guests => (IGuestProvider)_azure.Provider;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Disks_are_added_and_taken_away_and_keep_their_places(bool runs)
    {
        var machine = await ImportAsync();
        if (runs)
            await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);

        await Editor.AddDiskAsync(machine.Id, GiB, DiskController.Unknown, default);
        var two = await Editor.AddDiskAsync(machine.Id, (2 * GiB) + 1, DiskController.Unknown, default);
        Assert.Equal(["disk0", "disk1", "disk2"], two.Disks.Select(d => d.Name));
        Assert.Equal((GiB, 3 * GiB), (two.Disks[1].Length, two.Disks[2].Length));
        var one = await Editor.RemoveDiskAsync(machine.Id, "DISK1", keepFile: false, default);
        Assert.Equal(["disk0", "disk2"], one.Disks.Select(d => d.Name));
        if (!runs)
            await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);

        Assert.Equal([1], Data().Select(d => (int)d!["lun"]!));   // disk2 is where it was
        Assert.False(_azure.Arm.Resources.ContainsKey(Disk("web01-disk1")));
        var kept = await Editor.RemoveDiskAsync(machine.Id, "disk2", keepFile: true, default);
        Assert.Equal(["disk0"], kept.Disks.Select(d => d.Name));
        Assert.Equal("Unattached", (string?)_azure.Arm.Resources[Disk("web01-disk2")]["properties"]!["diskState"]);
        Assert.Empty(await ((IOrphanProvider)_azure.Provider).ListOrphansAsync(default));
        Assert.Equal("BootDisk", (await Assert.ThrowsAsync<IaaSException>(() => Editor.RemoveDiskAsync(machine.Id, "disk0", false, default))).ErrorId);
        Assert.Equal("DiskNotFound", (await Assert.ThrowsAsync<IaaSException>(() => Editor.RemoveDiskAsync(machine.Id, "disk7", false, default))).ErrorId);
    }

    [Fact]
    public async Task A_disk_that_cannot_be_attached_is_not_left_behind()
    {
        var machine = await ImportAsync(r => r with { Size = "Standard_D2s_v5" });
        await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);
        _azure.Arm.Intercept = r => r.Method == "PATCH" && r.Path.Contains("/virtualMachines/", StringComparison.Ordinal) ? Answer.Error(409, "AttachDiskWhileBeingDetached", "Wait.") : null;

        Assert.Equal(ErrorKind.Busy, (await Assert.ThrowsAsync<IaaSException>(() => Editor.AddDiskAsync(machine.Id, GiB, DiskController.Unknown, default))).Kind);

        Assert.False(_azure.Arm.Resources.ContainsKey(Disk("web01-disk1")));
        _azure.Arm.Intercept = _ => null;
        for (var i = 0; i < 4; i++)
            await Editor.AddDiskAsync(machine.Id, GiB, DiskController.Unknown, default);
        Assert.Equal("TooManyDisks", (await Assert.ThrowsAsync<IaaSException>(() => Editor.AddDiskAsync(machine.Id, GiB, DiskController.Unknown, default))).ErrorId);
    }

    [Theory]
    [InlineData(0, false)]
    [InlineData(3, false)]
    [InlineData(-1, true)]
    public async Task A_command_gives_its_exit_code_and_both_outputs(int code, bool timedOut)
    {
        var machine = await ImportAsync();
        await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);
        string? script = null;
        _azure.Arm.Guest = s =>
        {
            script = s;
            return (code, "out\n", "err\n");
        };

        var result = await Guests.RunCommandAsync(machine.Id, "/bin/sh", ["-c", "echo 'it''s'; exit $?"], TimeSpan.FromMinutes(1), default);

        Assert.Equal(("web01", machine.Id, "out\n", "err\n", timedOut), (result.VmName, result.VmId, result.Output, result.Error, result.TimedOut));
        Assert.Equal(timedOut ? null : code, result.ExitCode);
        Assert.True(result.Duration > TimeSpan.Zero);
        Assert.Equal("exec '/bin/sh' '-c' 'echo '\\''it'\\'''\\''s'\\''; exit $?'\n", script);
        Assert.DoesNotContain(_azure.Arm.Resources.Keys, k => k.Contains("/runCommands/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_guest_that_answers_no_command_is_run()
    {
        var machine = await ImportAsync();
        Assert.Equal("VmIsDeallocated", (await Assert.ThrowsAsync<IaaSException>(() => RunAsync(machine))).ErrorId);
        _azure.Arm.HasAgent = false;
        await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);
        var e = await Assert.ThrowsAsync<IaaSException>(() => RunAsync(machine));
        Assert.Equal(("NoGuestAgent", ErrorKind.NotInstalled), (e.ErrorId, e.Kind));
        Assert.DoesNotContain(_azure.Arm.Requests, r => r.Path.Contains("/runCommands/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_command_that_is_given_up_is_taken_away()
    {
        var machine = await ImportAsync();
        await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);
        using var stop = new CancellationTokenSource();
        _azure.Arm.Intercept = r =>
        {
            if (r.Query("$expand") == "instanceView" && r.Path.Contains("/runCommands/", StringComparison.Ordinal))
                stop.Cancel();
            return null;
        };

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Guests.RunCommandAsync(machine.Id, "/bin/sleep", ["1000"], TimeSpan.FromHours(1), stop.Token));

        Assert.DoesNotContain(_azure.Arm.Resources.Keys, k => k.Contains("/runCommands/", StringComparison.Ordinal));
    }

    [SkippableTheory]
    [InlineData("it's", "a b", "", "$HOME `id` \"q\" \\ *", "line\nbreak")]
    public async Task What_a_shell_makes_of_a_script_is_what_was_said(params string[] arguments)
    {
        Skip.If(OperatingSystem.IsWindows(), "There is no /bin/sh.");
        var script = GuestCommands.ScriptFor(GuestOSType.Linux, "/usr/bin/printf", ["%s|", .. arguments]);
        using var shell = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("/bin/sh", ["-c", script]) { RedirectStandardOutput = true })!;
        Assert.Equal(string.Concat(arguments.Select(a => a + "|")), await shell.StandardOutput.ReadToEndAsync());
    }

    [Fact]
    public void For_Windows_a_command_line_is_quoted_as_programs_read_it() => Assert.Contains(
        "$start.Arguments = '/c \"say \\\"it''s\\\" \\\\\\\\\" \"\" C:\\dir\\'", GuestCommands.ScriptFor(GuestOSType.Windows, "cmd.exe", ["/c", "say \"it's\" \\\\", "", "C:\\dir\\"]), StringComparison.Ordinal);

    private Task<VmCommandResult> RunAsync(VirtualMachine machine) => Guests.RunCommandAsync(machine.Id, "/bin/true", [], TimeSpan.FromMinutes(1), default);

    private JsonArray Data() => _azure.Arm.Resources[TestAzure.IdOf("Microsoft.Compute/virtualMachines", "web01")]["properties"]!["storageProfile"]!["dataDisks"]!.AsArray();

    private static string Disk(string name) => TestAzure.IdOf("Microsoft.Compute/disks", name);

    private Task<VirtualMachine> ImportAsync(Func<Imports.ImportRequest, Imports.ImportRequest>? with = null) => _azure.ImportAsync(_azure.Image("web01.img", 24 * MiB, (1024, 64)), with);
}
