using System.Diagnostics;
using AzureIaaS.Guests.Testing;
using AzureIaaS.Imports;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.Machines;

/// <summary>A fabric on a file system that is too small.</summary>
public sealed class DiskFullTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("azureiaas-small-").FullName;
    private readonly TestFabric? _small;

    public DiskFullTests()
    {
        Skip.IfNot(Environment.UserName == "root", "mounting a small file system needs root");
        Skip.IfNot(Run("mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", _root) == 0, "a small file system cannot be mounted here");
        _small = new TestFabric(TestFabric.HasQemu ? HypervisorKind.Qemu : HypervisorKind.Simulated, _root);
        _small.Layout.Create();
    }

    private TestFabric Fabric => _small!;

    public void Dispose()
    {
        _small?.Dispose();
        Run("umount", "-l", _root);
        Directory.Delete(_root);
    }

    [SkippableFact]
    public async Task AFullDiskPausesTheGuestAndResumeGoesOn()
    {
        Skip.IfNot(TestFabric.HasQemu, "qemu-system-x86_64 is not installed");
        var request = new ImportRequest { Path = Fabric.Guest(options: new BootSectorOptions { FillsDisk = true }, length: 16 << 20), Memory = 32 << 20, Controller = DiskController.VirtioBlk };
        var machine = await Fabric.StartAsync(await Fabric.Session.Imports.ImportAsync(request, Fabric.Notices, CancellationToken.None));
        machine = await Fabric.WaitForStateAsync(machine, MachineState.Paused);
        Assert.Contains("full", machine.StateReason, StringComparison.Ordinal);

        var error = await Assert.ThrowsAsync<IaaSException>(() => Fabric.Provider.ResumeAsync(machine.Id, Fabric.Notices, CancellationToken.None));
        Assert.Equal("DiskStillFull", error.ErrorId);
        Assert.Equal(MachineState.Paused, (await Fabric.LookAsync(machine)).State);

        Assert.Equal(0, Run("mount", "-o", "remount,size=64m", _root));
        machine = await Fabric.Provider.ResumeAsync(machine.Id, Fabric.Notices, CancellationToken.None);
        Assert.Equal(MachineState.Running, machine.State);
        await Fabric.WaitForLineAsync(machine, "^guest: filled", 120);
    }

    [SkippableFact]
    public async Task AnImportThatDoesNotFitIsRefusedBeforeTheWork()
    {
        var path = Data(8 << 20);
        var error = await Assert.ThrowsAsync<IaaSException>(() => Fabric.Session.Imports.ImportAsync(new ImportRequest { Path = path }, Fabric.Notices, CancellationToken.None));
        Assert.Equal("NotEnoughSpace", error.ErrorId);
        Assert.Empty(Fabric.Session.ListOperations(includeEnded: false));
    }

    [SkippableFact]
    public async Task ADiskThatFillsUpDuringAnImportLeavesNothing()
    {
        var path = Data(3 << 20);
        var filler = Path.Combine(_root, "filler");
        var progress = new Filler(filler, Fabric.Notices);
        var error = await Assert.ThrowsAsync<IaaSException>(() => Fabric.Session.Imports.ImportAsync(new ImportRequest { Path = path }, progress, CancellationToken.None));
        Assert.Equal("NotEnoughSpace", error.ErrorId);
        File.Delete(filler);
        Assert.Empty(TestFabric.Entries(Fabric.Layout.Imports));
        Assert.Empty(Fabric.Session.ListOperations(includeEnded: false));
        Assert.Empty(await Fabric.Session.ListAsync(CancellationToken.None));
        await Fabric.Session.Imports.ImportAsync(new ImportRequest { Path = path }, Fabric.Notices, CancellationToken.None);
    }

    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task ADiskThatFillsUpDuringACheckpointLosesNothing(bool memory)
    {
        Skip.IfNot(TestFabric.HasQemu, "qemu-system-x86_64 is not installed");
        Assert.Equal(0, Run("mount", "-o", "remount,size=64m", _root));

        // Not IDE: a halt for want of room is a chance for QEMU to report an error to its guest (docs/fabric.md).
        var request = new ImportRequest { Path = Fabric.Guest(options: new BootSectorOptions { WritesEveryTick = true }), Memory = 32 << 20, Controller = DiskController.VirtioBlk };
        var machine = await Fabric.StartAsync(await Fabric.Session.Imports.ImportAsync(request, Fabric.Notices, CancellationToken.None));
        await Fabric.WaitForLineAsync(machine, "^guest: tick 2");
        var filler = Path.Combine(_root, "filler");
        var checkpoints = (Providers.ICheckpointProvider)Fabric.Provider;
        var error = await Record.ExceptionAsync(() => checkpoints.CreateCheckpointAsync(machine.Id, "one", memory, new Filler(filler, Fabric.Notices, "Checkpointing guest", leave: memory ? 1 << 20 : 0), CancellationToken.None));
        Assert.True(error is IaaSException { ErrorId: "NotEnoughSpace" } || (error is null && !memory), $"{error}");
        File.Delete(filler);
        var after = await Sagas.SagaTrial.LookAsync(Fabric, machine);
        if (after.State == MachineState.Paused)
            after = await Fabric.Provider.ResumeAsync(machine.Id, Fabric.Notices, CancellationToken.None);
        Assert.Equal((MachineState.Running, machine.ProcessId), (after.State, after.ProcessId));

        // Without the memory a checkpoint is so small that the room which the state keeps in reserve may do.
        Assert.Equal(error is null ? 1 : 0, after.Checkpoints.Count);
        Assert.Equal(error is null ? ["disk0-1.qcow2", "disk0.raw"] : ["disk0.raw"], Directory.EnumerateFiles(Fabric.Layout.Machine(machine.Id).Folder).Where(f => Path.GetExtension(f) is ".raw" or ".qcow2" or ".memory").Select(f => Path.GetFileName(f)!).Order());

        await checkpoints.CreateCheckpointAsync(machine.Id, "two", memory, Fabric.Notices, CancellationToken.None);
        await Fabric.WaitForLineAsync(machine, "^guest: tick [6-9]");
        Assert.Equal(1u, Fabric.BootCount(machine));
    }

    private string Data(int length)
    {
        var path = Path.Combine(Fabric.Folder, "data.raw");
        var bytes = new byte[length];
        new Random(1).NextBytes(bytes);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }

    /// <summary>Takes the room away when the work is about to begin.</summary>
    private sealed class Filler(string path, IProgress<Providers.Notice> inner, string step = "copy", long? leave = null) : IProgress<Providers.Notice>
    {
        public void Report(Providers.Notice value)
        {
            if (value.Text == step && leave is { } room)
                Fill(new DriveInfo(Path.GetDirectoryName(path)!).AvailableFreeSpace - room);
            else if (value.Text == step)
                Fill(5 << 20);
            inner.Report(value);
        }

        private void Fill(long length)
        {
            using var file = new FileStream(path, FileMode.Append);
            var block = new byte[4096];
            for (var left = length; left > 0; left -= block.Length)
                file.Write(block, 0, (int)Math.Min(left, block.Length));
            file.Flush();
        }
    }
}
