using System.Diagnostics;
using System.IO.Compression;
using AzureIaaS.Failover;
using AzureIaaS.Guests.Testing;
using AzureIaaS.Imports;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Tests.Machines;

/// <summary>Real operating systems, from the images that other tools make of them.</summary>
public class LinuxTests
{
    private const string Flush = "dd if=/dev/zero of=/root/flushed bs=4k count=1 conv=fsync 2>/dev/null";

    [SkippableFact]
    public async Task AnUntouchedLinuxFromAVmdk()
    {
        using var fabric = new TestFabric();
        var machine = await ImportAsync(fabric, LinuxGuestKind.Bios, "vmdk", "subformat=streamOptimized");
        Assert.Equal(Firmware.Bios, machine.Firmware);
        machine = await fabric.StartAsync(machine);
        await fabric.WaitForLineAsync(machine, "^guest: ready", 240);
        await ItsAgentRunsCommandsAsync(fabric, machine);
        await ItsDisplayCanBeLookedAtAsync(fabric, machine);
        await ItsFlushesReachTheHostAsync(fabric, machine);
        await ItGoesElsewhereWithoutNoticingAsync(fabric, machine);
        Assert.Equal(MachineState.Deallocated, (await fabric.StopAsync(machine)).State);
        Assert.Equal(1u, LinuxGuest.ReadBootCount(machine.Disks[0].Path));
    }

    [SkippableFact]
    public async Task AnUntouchedLinuxFromAVhdxWithUefi()
    {
        using var fabric = new TestFabric();
        var machine = await ImportAsync(fabric, LinuxGuestKind.Uefi, "vhdx", "subformat=dynamic");
        Assert.Equal(Firmware.Uefi, machine.Firmware);
        machine = await fabric.StartAsync(machine);
        await fabric.WaitForLineAsync(machine, "^guest: ready", 240);
        var result = await fabric.Provider.WaitAsync(machine.Id, new WaitOptions { For = WaitFor.SignOfLife, Timeout = TimeSpan.FromSeconds(60) }, fabric.Notices, CancellationToken.None);
        Assert.True(result.Machine.BootVerified, result.Evidence);
        Assert.Equal(MachineState.Deallocated, (await fabric.StopAsync(machine)).State);
        Assert.Equal(1u, LinuxGuest.ReadBootCount(machine.Disks[0].Path));
    }

    /// <summary>Another one's operating system, which says nothing on the serial console: it runs, and nobody claims more.</summary>
    [SkippableTheory]
    [InlineData("hoho-os/hdd-oldest.vdi.gz")]
    [InlineData("tritium-os/test-a77dcc.vdi.gz")]
    public async Task ASilentSystemOfAnotherMakerIsJudgedHonestly(string specimen)
    {
        var packed = Path.Combine(AppContext.BaseDirectory.Split("/tests/")[0], "..", "shared", "images", specimen);
        Skip.IfNot(File.Exists(packed), "the folder ../shared/images beside the project is absent");
        using var fabric = new TestFabric();
        var (foreign, path) = (Path.Combine(fabric.Folder, "foreign.vdi"), Path.Combine(fabric.Folder, "foreign.vmdk"));
        using (var from = new GZipStream(File.OpenRead(packed), CompressionMode.Decompress))
        using (var to = File.Create(foreign))
            await from.CopyToAsync(to);
        Assert.Equal(0, Run("qemu-img", "convert", "-O", "vmdk", foreign, path).ExitCode);
        var machine = await fabric.Session.Imports.ImportAsync(new ImportRequest { Path = path, Memory = 64 << 20 }, fabric.Notices, CancellationToken.None);
        machine = await fabric.StartAsync(machine);
        var result = await fabric.Provider.WaitAsync(machine.Id, new WaitOptions { For = WaitFor.SignOfLife, Timeout = TimeSpan.FromSeconds(8) }, fabric.Notices, CancellationToken.None);
        Assert.Equal((false, MachineState.Running, false), (result.Seen, result.Machine.State, result.Machine.BootVerified));
        Assert.Contains("was not seen within 8 s", result.Evidence, StringComparison.Ordinal);

        // What it does can still be looked at.
        await ItsDisplayCanBeLookedAtAsync(fabric, machine);
        await fabric.StopAsync(machine, force: true);
    }

    private static async Task<VirtualMachine> ImportAsync(TestFabric fabric, LinuxGuestKind kind, string format, string options)
    {
        try
        {
            var image = Path.Combine(fabric.Folder, "linux." + format);
            var converted = Run("qemu-img", "convert", "-O", format, "-o", options, await LinuxGuest.BuildAsync(kind), image);
            Assert.True(converted.ExitCode == 0, converted.Output);
            return await fabric.Session.Imports.ImportAsync(new ImportRequest { Path = image, Memory = 256 << 20 }, fabric.Notices, CancellationToken.None);
        }
        catch (GuestBuildException e)
        {
            throw new SkipException(e.Message);
        }
    }

    private static async Task ItsAgentRunsCommandsAsync(TestFabric fabric, VirtualMachine machine)
    {
        var agent = new WaitOptions { For = WaitFor.Agent, Timeout = TimeSpan.FromSeconds(60) };
        Assert.True((await fabric.Provider.WaitAsync(machine.Id, agent, fabric.Notices, CancellationToken.None)).Seen);
        var guests = (IGuestProvider)fabric.Provider;
        var result = await guests.RunCommandAsync(machine.Id, "/bin/sh", ["-c", "echo out; echo err >&2; exit 3"], TimeSpan.FromSeconds(30), CancellationToken.None);
        Assert.Equal((3, "out\n", "err\n", false), (result.ExitCode, result.Output, result.Error, result.TimedOut));
        result = await guests.RunCommandAsync(machine.Id, "/bin/sh", ["-c", "seq 20000"], TimeSpan.FromSeconds(30), CancellationToken.None);
        Assert.Equal((0, 108894), (result.ExitCode, result.Output.Length));
        result = await guests.RunCommandAsync(machine.Id, "/bin/sleep", ["60"], TimeSpan.FromSeconds(2), CancellationToken.None);
        Assert.Equal((true, null), (result.TimedOut, result.ExitCode));
        var error = await Assert.ThrowsAsync<IaaSException>(() => guests.RunCommandAsync(machine.Id, "/no/such/program", [], TimeSpan.FromSeconds(30), CancellationToken.None));
        Assert.Contains("/no/such/program", error.Message, StringComparison.Ordinal);
    }

    private static async Task ItsDisplayCanBeLookedAtAsync(TestFabric fabric, VirtualMachine machine)
    {
        var picture = await ((IGuestProvider)fabric.Provider).ScreenshotAsync(machine.Id, CancellationToken.None);
        Assert.Equal([0x89, 0x50, 0x4E, 0x47], picture[..4]);
        Assert.InRange(System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(picture.AsSpan(16)), 320, 4096);
    }

    /// <summary>A killed process keeps the page cache, so that only this shows what the loss of power would: what the guest flushes, QEMU flushes.</summary>
    private static async Task ItsFlushesReachTheHostAsync(TestFabric fabric, VirtualMachine machine)
    {
        var trace = Path.Combine(fabric.Folder, "trace");
        using var strace = Process.Start(new ProcessStartInfo("strace", ["-f", "-e", "trace=fdatasync,fsync", "-p", $"{machine.ProcessId}", "-o", trace]) { RedirectStandardError = true })!;
        var attached = await strace.StandardError.ReadLineAsync();
        Assert.Contains("attached", attached, StringComparison.Ordinal);
        foreach (var round in Enumerable.Range(1, 3))
        {
            var before = Flushes(trace);
            Assert.Equal($"flushed {round}", await fabric.TypeAsync(machine, $"{Flush}; echo flushed {round}"));
            Assert.True(Flushes(trace) > before, $"round {round}: the guest was told that it is flushed, and nothing was");
        }

        strace.Kill(entireProcessTree: false);
        await strace.WaitForExitAsync();
        await Signals.SendAsync("CONT", machine.ProcessId!.Value);   // where the tracer's death left it halted
    }

    private static async Task ItGoesElsewhereWithoutNoticingAsync(TestFabric fabric, VirtualMachine machine)
    {
        var options = new FailoverOptions { Kind = FailoverKind.Planned, Checks = [new AgentCheck { Timeout = TimeSpan.FromSeconds(60) }] };
        var report = await ((IFailoverProvider)fabric.Provider).FailOverAsync(machine.Id, options, fabric.Notices, CancellationToken.None);
        Assert.True(report.Outcome == FailoverOutcome.Succeeded, report.Error);
        Assert.Equal("still 1", await fabric.TypeAsync(machine, "echo still $(cat /boot-count)"));
    }

    private static int Flushes(string trace) => File.Exists(trace) ? File.ReadLines(trace).Count(l => l.Contains("sync(", StringComparison.Ordinal)) : 0;

    private static (int ExitCode, string Output) Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        var output = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output);
    }
}
