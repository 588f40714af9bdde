using System.Diagnostics;
using AzureIaaS.Imports;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.Imports;

/// <summary>Imports in passes: each brings what has changed and no more, none is lost by a death, and the last makes the machine.</summary>
public class StagedImportTests
{
    private const int Block = 4 << 20;
    private const long Length = (10 * Block) + 4096;

    [Fact]
    public async Task EachPassBringsWhatHasChanged()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var path = Source(fabric);
        var first = await StageAsync(fabric, path);
        Assert.Equal(("source", 4L), (first.Name, first.BlocksChanged));
        Assert.Empty(await fabric.Session.ListAsync(CancellationToken.None));
        Assert.Equal(0, (await StageAsync(fabric, path)).BytesWritten);

        Change(path, 2 * Block, 100);
        Change(path, (9 * Block) + 70_000, 200);
        Change(path, 0, 0, length: 64 << 10);   // what was data is zeros now
        var second = await StageAsync(fabric, path);
        Assert.Equal((first.Operation, 3L), (second.Operation, second.BlocksChanged));
        Assert.InRange(second.BytesWritten, 1, 4 * (64 << 10));

        var operation = Assert.Single(fabric.Session.ListOperations(includeEnded: false));
        Assert.Equal((OperationState.Staged, "source"), (operation.State, operation.VmName));
        Change(path, 5 * Block, 7);
        var machine = await fabric.Session.Imports.CompleteAsync(fabric.Session.Imports.FindStaged("source"), fabric.Notices, CancellationToken.None);
        Assert.Equal(await File.ReadAllBytesAsync(path), await File.ReadAllBytesAsync(machine.Disks[0].Path));
        Assert.StartsWith("sha256-4m:", machine.Disks[0].Digest, StringComparison.Ordinal);
        Assert.Empty(fabric.Session.ListOperations(includeEnded: false));
        Assert.Equal(["disk0.digests", "disk0.raw"], Directory.EnumerateFiles(fabric.Layout.Machine(machine.Id).Folder).Select(f => Path.GetFileName(f)!).Order());
    }

    [SkippableFact]
    public async Task AFormatThatGrowsIsStagedToo()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var raw = Source(fabric);
        var path = Path.Combine(fabric.Folder, "grows.qcow2");
        Skip.IfNot(File.Exists("/usr/bin/qemu-img"), "qemu-img is not installed");
        Run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, path);
        await StageAsync(fabric, path);
        Run("qemu-io", "-f", "qcow2", "-c", $"write -P 0x42 {7 * Block} 128k", path);
        Assert.Equal(1, (await StageAsync(fabric, path)).BlocksChanged);
        var machine = await fabric.Session.Imports.CompleteAsync(fabric.Session.Imports.FindStaged("grows"), fabric.Notices, CancellationToken.None);
        Run("qemu-img", "compare", "-F", "raw", "-f", "qcow2", path, machine.Disks[0].Path);
    }

    [Fact]
    public async Task WhenTheSourceIsLostTheLastWholePassBecomesTheMachine()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var path = Source(fabric);
        await StageAsync(fabric, path);
        var bytes = await File.ReadAllBytesAsync(path);
        File.Delete(path);

        var machine = await fabric.Session.Imports.CompleteLostAsync("source", fabric.Notices, CancellationToken.None);

        Assert.Equal(bytes, await File.ReadAllBytesAsync(machine.Disks[0].Path));
        Assert.Contains("last whole pass", Assert.Single(fabric.Session.Store.Reports.List(machine.Id)).RpoStatement, StringComparison.Ordinal);
        Assert.Empty(fabric.Session.ListOperations(includeEnded: false));
    }

    [Fact]
    public async Task APassThatWasCutOffIsReadBack()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var path = Source(fabric);
        var before = await File.ReadAllBytesAsync(path);
        var operation = (await StageAsync(fabric, path)).Operation;

        // As after a death in the middle of a pass that had brought a block which is as it was again.
        var stage = fabric.Layout.Stage(operation);
        await File.WriteAllTextAsync(Path.Combine(stage, "disk0.pass"), "");
        Change(Path.Combine(stage, "disk0.raw"), 2 * Block, 77);
        Assert.Equal(1, (await StageAsync(fabric, path)).BlocksChanged);
        Assert.Equal(before, await File.ReadAllBytesAsync(Path.Combine(stage, "disk0.raw")));
        Assert.False(File.Exists(Path.Combine(stage, "disk0.pass")));
    }

    [SkippableFact]
    public async Task KilledAtAnyMomentItComesOutRight()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        await Iaas.ConnectAsync(fabric);
        var path = Source(fabric);
        var random = new Random(11);
        for (var round = 0; round < 8; round++)
        {
            using (var pass = Iaas.Start(fabric, "import", path, "--stage"))
            {
                await Task.Delay(random.Next(150, 900));
                Change(path, random.Next(10) * (long)Block, (byte)round);
                pass.Kill();
                await pass.WaitForExitAsync();
            }

            Change(path, random.Next(10) * (long)Block, (byte)(100 + round));
        }

        Assert.Equal(0, (await Iaas.RunAsync(fabric, "import", path, "--stage")).ExitCode);
        var (exitCode, _, error) = await Iaas.RunAsync(fabric, "complete", "source");
        Assert.True(exitCode == 0, error);
        var machine = Assert.Single(await fabric.Session.ListAsync(CancellationToken.None));
        Assert.Equal(await File.ReadAllBytesAsync(path), await File.ReadAllBytesAsync(machine.Disks[0].Path));
        Assert.Empty(fabric.Session.ListOperations(includeEnded: false));
    }

    [Fact]
    public async Task WhatStandsInTheWayLosesNothing()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var path = Source(fabric);
        var operation = (await StageAsync(fabric, path)).Operation;
        Assert.Equal("ImportIsStaged", (await Assert.ThrowsAsync<IaaSException>(() => fabric.Session.Imports.ImportAsync(new ImportRequest { Path = path }, fabric.Notices, CancellationToken.None))).ErrorId);
        Assert.Equal("StagedImportNotFound", Assert.Throws<IaaSException>(() => fabric.Session.Imports.FindStaged("other")).ErrorId);

        File.Move(path, path + ".away");
        await Assert.ThrowsAnyAsync<IaaSException>(() => fabric.Session.Imports.CompleteAsync(operation, fabric.Notices, CancellationToken.None));
        File.Move(path + ".away", path);
        using (var file = File.Open(path, FileMode.Open))
            file.SetLength(Length + Block);
        Assert.Equal("SourceResized", (await Assert.ThrowsAsync<IaaSException>(() => fabric.Session.Imports.CompleteAsync(operation, fabric.Notices, CancellationToken.None))).ErrorId);
        using (var file = File.Open(path, FileMode.Open))
            file.SetLength(Length);
        Assert.Equal(OperationState.Staged, Assert.Single(fabric.Session.ListOperations(includeEnded: false)).State);
        Assert.Equal(0, (await StageAsync(fabric, path)).BlocksChanged);

        await fabric.Session.UndoOperationAsync(operation, fabric.Notices);
        Assert.Empty(TestFabric.Entries(fabric.Layout.Imports));
        Assert.Empty(fabric.Session.ListOperations(includeEnded: false));
        await fabric.Session.Imports.ImportAsync(new ImportRequest { Path = path }, fabric.Notices, CancellationToken.None);
    }

    private static Task<StagedPass> StageAsync(TestFabric fabric, string path) =>
        fabric.Session.Imports.StageAsync(new ImportRequest { Path = path, Memory = 32 << 20 }, fabric.Notices, CancellationToken.None);

    private static string Source(TestFabric fabric)
    {
        var path = fabric.Guest("source", length: Length);
        foreach (var block in new[] { 2, 3, 9 })
            Change(path, (block * (long)Block) + 4096, (byte)(block + 1), 300_000);
        return path;
    }

    private static void Change(string path, long offset, byte value, int length = 20_000)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite);
        file.Position = offset;
        file.Write(Enumerable.Repeat(value, length).ToArray());
    }

    private static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true })!;
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
