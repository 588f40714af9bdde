using System.Diagnostics;
using AzureIaaS.Disks;
using AzureIaaS.Failover;
using AzureIaaS.Guests.Testing;
using AzureIaaS.Imports;
using AzureIaaS.Local.Imports;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.Imports;

/// <summary>Machines that run on the image they were imported from while it is copied: started at once, never with another content, in the end on a disk of their own.</summary>
public class LinkedImportTests
{
    private const long Length = 64 << 20;

    [SkippableTheory]
    [InlineData("vmdk", "subformat=streamOptimized")]
    [InlineData("qcow2", "")]
    [InlineData("vhdx", "")]
    [InlineData("raw", "")]
    public async Task AMachineRunsOnItsImageAndEndsOnADiskOfItsOwn(string format, string options)
    {
        using var fabric = new TestFabric();
        var machine = await ImportAsync(fabric, format, options);
        var gate = new TaskCompletionSource();
        await using (var link = new Link(fabric, machine, gate.Task))
        {
            machine = await fabric.StartAsync(machine);
            await fabric.WaitForLineAsync(machine, "^guest: boot 1$");
            await fabric.WaitForLineAsync(machine, "^guest: ready");
            Assert.NotNull((await fabric.LookAsync(machine)).Disks[0].Link);
            gate.SetResult();
            await FlattenedAsync(fabric, machine);
            await link.EndedAsync();
        }

        File.Delete(machine.Origin!.Path);
        var now = await fabric.LookAsync(machine);
        Assert.Equal((MachineState.Running, "raw", null), (now.State, now.Disks[0].Format, now.Disks[0].Link));
        Assert.StartsWith("sha256-4m:", now.Disks[0].Digest, StringComparison.Ordinal);
        await fabric.WaitForLineAsync(machine, "^guest: tick 3");
        await fabric.StopAsync(machine, force: true);
        Assert.Equal(1u, fabric.BootCount(machine));
        await fabric.StartAsync(machine);
        await fabric.WaitForLineAsync(machine, "^guest: boot 2$");
        AssertOnlyTheDisk(fabric, machine);
    }

    [SkippableFact]
    public async Task AMachineThatDoesNotRunIsCopiedAllTheSame()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var machine = await ImportAsync(fabric, "vmdk", "subformat=streamOptimized");
        var digest = await DigestAsync(machine.Origin!.Path);
        await using (var link = new Link(fabric, machine, Task.CompletedTask))
            await link.EndedAsync();
        machine = await fabric.LookAsync(machine);
        Assert.Equal((null, digest), (machine.Disks[0].Link, machine.Disks[0].Digest));
        AssertOnlyTheDisk(fabric, machine);
        Assert.Equal(digest, await DigestAsync(machine.Disks[0].Path));
        Assert.False(Directory.Exists(fabric.Layout.Link(machine.Id).Run));
    }

    [SkippableFact]
    public async Task WhatServesAndCopiesIsStartedAndStartedAgain()
    {
        using var fabric = new TestFabric();
        using var session = fabric.OpenWithProcesses();
        var path = Source(fabric, "vmdk", "subformat=streamOptimized", 256 << 20);
        var machine = await session.Imports.ImportAsync(new ImportRequest { Path = path, Memory = 32 << 20, Linked = true }, fabric.Notices, CancellationToken.None);
        Assert.Contains(fabric.Notices.Warnings, w => w.Contains(path, StringComparison.Ordinal) && w.Contains("leave it where it is", StringComparison.Ordinal));
        await session.Provider.StartAsync(machine.Id, new StartOptions(), fabric.Notices, CancellationToken.None);
        var killed = 0;
        var limit = Stopwatch.StartNew();
        while ((await fabric.LookAsync(machine)).Disks[0].Link is not null)
        {
            Assert.True(limit.Elapsed < TimeSpan.FromMinutes(4), "it is not copied");
            if (killed < 5 && fabric.LinkProcesses() is [var process, ..])
            {
                await Task.Delay(killed * 60);
                await Signals.SendAsync("KILL", process);
                killed++;
            }

            await Task.Delay(50);
        }

        Assert.True(killed > 0, "nothing was there to be killed");
        await fabric.WaitForLineAsync(machine, "^guest: boot 1$", seconds: 120);
        await fabric.StopAsync(machine, force: true);
        File.Delete(path);
        Assert.Equal(1u, fabric.BootCount(machine));
        AssertOnlyTheDisk(fabric, machine);
        await fabric.StartAsync(machine);
        await fabric.WaitForLineAsync(machine, "^guest: boot 2$");
    }

    [SkippableFact]
    public async Task AnImageThatVanishesHaltsTheGuestAndHarmsNothing()
    {
        using var fabric = new TestFabric();
        var machine = await ImportAsync(fabric, "qcow2", "");
        var path = machine.Origin!.Path;
        var gate = new TaskCompletionSource();
        await using var link = new Link(fabric, machine, gate.Task);
        machine = await fabric.StartAsync(machine);
        await fabric.WaitForLineAsync(machine, "^guest: ready");
        await fabric.StopAsync(machine, force: true);
        File.Move(path, path + ".away");
        var problem = await UntilAsync(fabric, machine, m => m.Disks[0].Link?.Problem is not null);
        Assert.Contains("no longer there", problem.StateReason, StringComparison.Ordinal);
        var refusal = await Assert.ThrowsAsync<IaaSException>(() => fabric.StartAsync(machine));
        Assert.Equal("LinkedImageLost", refusal.ErrorId);
        Assert.Contains(path, refusal.Message, StringComparison.Ordinal);

        // Another content under the same name is not taken for it.
        File.Copy(path + ".away", path);
        File.SetLastWriteTimeUtc(path, DateTimeOffset.UnixEpoch.UtcDateTime);
        await UntilAsync(fabric, machine, m => m.Disks[0].Link?.Problem?.Contains("has changed", StringComparison.Ordinal) == true);
        File.Delete(path);
        File.Move(path + ".away", path);
        await UntilAsync(fabric, machine, m => m.Disks[0].Link is { Problem: null });
        gate.SetResult();
        await link.EndedAsync();
        await fabric.StartAsync(machine);
        await fabric.WaitForLineAsync(machine, "^guest: boot 2$");
    }

    [SkippableFact]
    public async Task AGuestThatNeedsAVanishedImageStandsStillUntilItIsBack()
    {
        using var fabric = new TestFabric();
        // Not on IDE, whose busy disk QEMU may tell of an error when it halts (docs/fabric.md). Long enough that the guest is still writing when the loss is noticed.
        var machine = await ImportAsync(fabric, "qcow2", "", new BootSectorOptions { FillsDisk = true }, 256 << 20, DiskController.VirtioBlk);
        var path = machine.Origin!.Path;
        var gate = new TaskCompletionSource();
        await using var link = new Link(fabric, machine, gate.Task);
        machine = await fabric.StartAsync(machine);
        await fabric.WaitForLineAsync(machine, "^guest: wrote ");

        // Writing less than a cluster needs what the image holds of it.
        File.Move(path, path + ".away");
        var paused = await fabric.WaitForStateAsync(machine, MachineState.Paused);
        Assert.Contains("It waits for an image that it runs on", paused.StateReason, StringComparison.Ordinal);
        Assert.Equal("LinkedImageLost", (await Assert.ThrowsAsync<IaaSException>(() => fabric.Provider.ResumeAsync(machine.Id, fabric.Notices, CancellationToken.None))).ErrorId);
        File.Move(path + ".away", path);
        await UntilAsync(fabric, machine, m => m.Disks[0].Link is { Problem: null });
        machine = await fabric.Provider.ResumeAsync(machine.Id, fabric.Notices, CancellationToken.None);
        Assert.Equal(MachineState.Running, machine.State);
        gate.SetResult();
        await FlattenedAsync(fabric, machine);
        var written = Written();
        await UntilAsync(fabric, machine, _ => Written() != written);
        Assert.DoesNotContain("write failed", ConsoleText(), StringComparison.Ordinal);

        string ConsoleText() => File.ReadAllText(fabric.Layout.Machine(machine.Id).Console);
        int Written() => ConsoleText().LastIndexOf("guest: wrote ", StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task ALinkedMachineIsCheckpointedMovedRehearsedAndHealed()
    {
        using var fabric = new TestFabric();
        var machine = await ImportAsync(fabric, "vmdk", "subformat=monolithicSparse");
        var gate = new TaskCompletionSource();
        await using var link = new Link(fabric, machine, gate.Task);
        machine = await fabric.StartAsync(machine);
        await fabric.WaitForLineAsync(machine, "^guest: ready");
        var checkpoints = (ICheckpointProvider)fabric.Provider;
        var checkpoint = await checkpoints.CreateCheckpointAsync(machine.Id, "first", memory: false, fabric.Notices, CancellationToken.None);
        machine = await ((IMoveProvider)fabric.Provider).MoveAsync(machine.Id, null, fabric.Notices, CancellationToken.None);
        Assert.Equal(MachineState.Running, machine.State);
        var report = await ((IFailoverProvider)fabric.Provider).FailOverAsync(machine.Id, new FailoverOptions { Kind = FailoverKind.Test }, fabric.Notices, CancellationToken.None);
        Assert.True(report.Outcome == FailoverOutcome.Succeeded, report.Error);
        gate.SetResult();
        await FlattenedAsync(fabric, machine);
        var flat = await fabric.LookAsync(machine);
        Assert.Equal((MachineState.Running, 1), (flat.State, flat.Checkpoints.Count));
        await fabric.StopAsync(machine, force: true);
        await checkpoints.RestoreCheckpointAsync(machine.Id, checkpoint.Id, fabric.Notices, CancellationToken.None);
        await fabric.StartAsync(machine);
        await fabric.WaitForLineAsync(machine, "^guest: boot 2$");
        await checkpoints.RemoveCheckpointAsync(machine.Id, checkpoint.Id, fabric.Notices, CancellationToken.None);
        await fabric.StopAsync(machine, force: true);
        AssertOnlyTheDisk(fabric, machine);
    }

    [Fact]
    public async Task EveryDiskOfAMachineIsCopied()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var first = fabric.Guest("first", length: Length);
        var second = Source(fabric, "raw", "");
        var description = Path.Combine(fabric.Folder, "farm.vmx");
        await File.WriteAllTextAsync(description, $"displayName = \"farm\"\nscsi0.present = \"TRUE\"\nscsi0.virtualDev = \"pvscsi\"\n"
            + $"scsi0:0.present = \"TRUE\"\nscsi0:0.fileName = \"{Path.GetFileName(first)}\"\nscsi0:1.present = \"TRUE\"\nscsi0:1.fileName = \"{Path.GetFileName(second)}\"\n");
        var machine = await fabric.Session.Imports.ImportAsync(new ImportRequest { Path = description, Linked = true }, fabric.Notices, CancellationToken.None);
        Assert.Equal(2, machine.Disks.Count(d => d.Link is not null));
        await using (var link = new Link(fabric, machine, Task.CompletedTask))
            await link.EndedAsync();
        machine = await fabric.LookAsync(machine);
        Assert.All(machine.Disks, d => Assert.Null(d.Link));
        Assert.Equal([await DigestAsync(first), await DigestAsync(second)], machine.Disks.Select(d => d.Digest));
        Assert.Null(machine.StateReason);
    }

    [SkippableFact]
    public async Task WhatIsRefused()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var machine = await ImportAsync(fabric, "raw", "");
        Assert.Equal("VmIsLinked", (await Assert.ThrowsAsync<IaaSException>(() => ((IDiskLender)fabric.Provider).LendDisksAsync(machine.Id, _ => Task.CompletedTask, CancellationToken.None))).ErrorId);
        Assert.Equal("VmIsLinked", (await Assert.ThrowsAsync<IaaSException>(() => RemoveKeepingAsync(fabric, machine))).ErrorId);
        await fabric.Provider.RemoveAsync(machine.Id, force: false, keepDisks: false, fabric.Notices, CancellationToken.None);
        Assert.True(File.Exists(machine.Origin!.Path));
        Assert.Empty(TestFabric.Entries(fabric.Layout.Machines));
    }

    private static Task RemoveKeepingAsync(TestFabric fabric, VirtualMachine machine) =>
        fabric.Provider.RemoveAsync(machine.Id, force: false, keepDisks: true, fabric.Notices, CancellationToken.None);

    private static string Source(TestFabric fabric, string format, string options, long length = Length, BootSectorOptions? guest = null)
    {
        var raw = fabric.Guest(options: guest, length: length);
        using (var file = File.OpenHandle(raw, FileMode.Open, FileAccess.Write))
        {
            // Something to copy, where the guest does not look.
            var noise = new byte[1 << 20];
            new Random(3).NextBytes(noise);
            for (var at = length / 4; at < length - noise.Length; at += 4 * noise.Length)
                RandomAccess.Write(file, noise, at);
        }

        if (format == "raw")
            return raw;
        var path = Path.Combine(fabric.Folder, "source." + format);
        string[] how = options.Length == 0 ? [] : ["-o", options];
        using var convert = Process.Start("qemu-img", ["convert", "-f", "raw", "-O", format, .. how, raw, path]);
        convert.WaitForExit();
        Assert.Equal(0, convert.ExitCode);
        return path;
    }

    private static Task<VirtualMachine> ImportAsync(TestFabric fabric, string format, string options, BootSectorOptions? guest = null, long length = Length, DiskController controller = DiskController.Unknown) => fabric.Session.Imports.ImportAsync(
        new ImportRequest { Path = Source(fabric, format, options, length, guest), Name = "guest", Memory = 32 << 20, Controller = controller, Linked = true }, fabric.Notices, CancellationToken.None);

    private static async Task<string> DigestAsync(string path)
    {
        using var image = DiskFormat.OpenImage(path);
        return (await DiskCopy.RunAsync(image, new Nowhere(), new DiskCopyOptions(), null, CancellationToken.None)).Digest!;
    }

    private static async Task FlattenedAsync(TestFabric fabric, VirtualMachine machine)
    {
        var options = new WaitOptions { For = WaitFor.Flattened, Timeout = TimeSpan.FromSeconds(120) };
        var result = await fabric.Provider.WaitAsync(machine.Id, options, fabric.Notices, CancellationToken.None);
        Assert.True(result.Seen, $"{result.Evidence} {result.Machine.Disks[0].Link?.Problem} {string.Join(" / ", fabric.Notices.Warnings)}");
    }

    private static async Task<VirtualMachine> UntilAsync(TestFabric fabric, VirtualMachine machine, Func<VirtualMachine, bool> holds)
    {
        var now = machine;
        await Until.HoldsAsync(async () => holds(now = await fabric.LookAsync(machine)), () => $"{now.State}: {now.StateReason} {now.Disks[0].Link?.Problem}");
        return now;
    }

    private static void AssertOnlyTheDisk(TestFabric fabric, VirtualMachine machine) =>
        Assert.Equal(["disk0.digests", "disk0.raw"], Directory.EnumerateFiles(fabric.Layout.Machine(machine.Id).Folder)
            .Where(f => Path.GetFileName(f).StartsWith("disk", StringComparison.Ordinal)).Select(f => Path.GetFileName(f)!).Order());

    /// <summary>What serves and copies, in this process.</summary>
    private sealed class Link : IAsyncDisposable
    {
        private readonly CancellationTokenSource _stop = new();
        private readonly IaaSSession _session;
        private readonly LinkHost _host;
        private readonly Task _running;

        public Link(TestFabric fabric, VirtualMachine machine, Task gate)
        {
            _session = fabric.Open();
            _host = new LinkHost(((LocalProvider)_session.Provider).Services, machine.Id, fabric.Notices) { Gate = gate };
            _running = Task.Run(() => _host.RunAsync(_stop.Token));
        }

        public Task EndedAsync() => _running.WaitAsync(TimeSpan.FromSeconds(120));

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _host.Dispose();
            _session.Dispose();
            _stop.Dispose();
        }
    }

    private sealed class Nowhere : IDiskTarget
    {
        public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellation) => throw new NotSupportedException();

        public ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
