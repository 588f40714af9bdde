using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Failover;
using AzureIaaS.Imports;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Tests.Upload;

/// <summary>Imports in passes, and what is made of them when their source is lost.</summary>
public sealed class StagedTests : IDisposable
{
    private const int MiB = 1 << 20;
    private const int Size = 64;
    private const long Block = 4 * MiB;

    private readonly TestAzure _azure = new();
    private readonly string _path;

    public StagedTests() => _path = _azure.Image("web01.img", (Size * MiB) - 1000, (0, 6000), (20_000, 100), (40_000, 9000));

    public void Dispose() => _azure.Dispose();

    private BlobDouble Blobs => (BlobDouble)_azure.Blobs;

    [Fact]
    public async Task Each_pass_sends_only_the_blocks_that_have_changed()
    {
        var first = await StageAsync();
        Assert.Empty(await _azure.Session.ListAsync(default));
        var sent = Blobs.BytesTaken;
        Assert.Equal(0, (await StageAsync()).BlocksChanged);
        Assert.Equal(sent + 512, Blobs.BytesTaken);   // the footer
        Write(at: 0, 4096, zeros: false);             // a block that had data, one that had none, and zeros where data was
        Write(30 * MiB, 4096, zeros: false);
        Write(40 * MiB, 4 * MiB, zeros: true);

        var pass = await StageAsync();
        var machine = await _azure.Session.Imports.CompleteAsync(pass.Operation, _azure, default);

        Assert.True(first.BlocksChanged > 3);
        Assert.Equal(3, pass.BlocksChanged);
        Assert.InRange(Blobs.BytesTaken - sent, 4096, 2 * Block);
        await CheckAsync();
        Assert.Equal(MachineState.Deallocated, machine.State);
        Assert.NotNull(machine.Disks[0].Digest);
        Assert.Equal(MachineState.Running, (await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default)).State);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_pass_that_was_cut_off_is_finished_by_the_next(bool grantsAgain)
    {
        await StageAsync();
        _azure.Arm.GrantsAgain = grantsAgain;
        for (var i = 0; i < Size; i += 4)
            Write(i * MiB, 64 << 10, zeros: false);
        var (sent, count) = (Blobs.BytesTaken, 0);
        using var stop = new CancellationTokenSource();
        _azure.Arm.Intercept = r =>
        {
            if (UploadTests.IsPage(r) && Interlocked.Increment(ref count) > 10)
                stop.Cancel();
            stop.Token.ThrowIfCancellationRequested();
            return null;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => StageAsync(stop.Token));
        _azure.Arm.Intercept = _ => null;
        var lost = await Assert.ThrowsAsync<IaaSException>(() => _azure.Session.Imports.CompleteLostAsync("web01", _azure, default));
        Assert.Equal("PassNotWhole", lost.ErrorId);
        _azure.Restart();

        var pass = await StageAsync();
        await _azure.Session.Imports.CompleteAsync(pass.Operation, _azure, default);

        await CheckAsync();
        Assert.Equal(!grantsAgain, _azure.Notices.Any(n => n.Text.Contains("begins anew", StringComparison.Ordinal)));
        if (grantsAgain)
            Assert.InRange(pass.BlocksChanged, (Size / 4) - 11, Size / 4);
    }

    [Fact]
    public async Task A_staged_import_that_was_given_up_leaves_nothing()
    {
        var pass = await StageAsync();
        await _azure.Session.UndoOperationAsync(pass.Operation, _azure);
        Assert.Single(_azure.Arm.Resources);   // the group
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task When_the_site_is_lost_the_last_whole_pass_becomes_the_machine_and_the_report_says_what_is_lost(bool isComputerLost)
    {
        await StageAsync();
        _azure.Time.Advance(TimeSpan.FromMinutes(25));
        var before = File.ReadAllBytes(_path);
        File.Delete(_path);
        using var other = isComputerLost ? _azure.OtherComputer() : null;
        var at = other ?? _azure;

        var machine = await at.Session.Imports.CompleteLostAsync("web01", at, default);

        Assert.Equal((machine.Id, "web01", MachineState.Deallocated), (machine.Id, machine.Name, machine.State));
        var report = Assert.Single(at.Session.Store.Reports.List(machine.Id));
        Assert.Equal((FailoverKind.Unplanned, FailoverOutcome.Succeeded), (report.Kind, report.Outcome));
        Assert.InRange(report.Rpo!.Value.TotalMinutes, 25, 35);
        Assert.Contains("is lost with the source", report.RpoStatement, StringComparison.Ordinal);
        Assert.Contains(at.Notices, n => n.Kind == NoticeKind.Warning && n.Text.Contains("minutes since", StringComparison.Ordinal));
        Assert.Equal(before, (await Blobs.ReadAsync("farm-web01-disk0", 0, Size * MiB))[..before.Length]);
        Assert.Equal(MachineState.Running, (await at.Provider.StartAsync(machine.Id, new StartOptions(), at, default)).State);
        Assert.Equal("web01", Assert.Single(await at.Session.ListAsync(default)).Name);
        Assert.Empty(at.Session.ListOperations(includeEnded: false));
        Assert.Empty(await ((IOrphanProvider)at.Provider).ListOrphansAsync(default));
    }

    [Fact]
    public async Task Nothing_is_adopted_that_is_not_staged()
    {
        await _azure.ImportAsync(_path, r => r with { Name = "whole" });
        foreach (var name in new[] { "whole", "none", "bad name" })
            Assert.Equal("StagedImportNotFound", (await Assert.ThrowsAsync<IaaSException>(() => _azure.Session.Imports.CompleteLostAsync(name, _azure, default))).ErrorId);
    }

    private Task<StagedPass> StageAsync(CancellationToken cancellation = default) =>
        _azure.Session.Imports.StageAsync(new ImportRequest { Path = _path, OSType = GuestOSType.Linux, Firmware = Firmware.Bios }, _azure, cancellation);

    private void Write(long at, int length, bool zeros)
    {
        using var file = File.OpenWrite(_path);
        file.Position = at;
        var data = new byte[length];
        if (!zeros)
            new Random(1).NextBytes(data);
        file.Write(data);
    }

    private async Task CheckAsync()
    {
        var content = await Blobs.ReadAsync("farm-web01-disk0", 0, (Size * MiB) + 512);
        var source = File.ReadAllBytes(_path);
        Assert.True(source.AsSpan().SequenceEqual(content.AsSpan(0, source.Length)));
        Assert.Equal("conectix"u8.ToArray(), content[^512..^504]);
    }
}
