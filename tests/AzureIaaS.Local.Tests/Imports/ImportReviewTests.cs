using AzureIaaS.Imports;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Readiness;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.Imports;

/// <summary>An import warns of what the rules of readiness find, by the very sentences of the report, and refuses nothing for it.</summary>
public sealed class ImportReviewTests : IDisposable
{
    private const int PartitionAt = 1 << 20;

    private readonly TestFabric _fabric = new(HypervisorKind.Simulated);

    public void Dispose() => _fabric.Dispose();

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task WhatTheReportFindsTheImportWarnsOf(bool linked, bool staged)
    {
        var request = new ImportRequest { Path = Encrypted(), Memory = 32 << 20, Linked = linked };
        var finding = ReadinessJudge.Judge(request, ReadinessTarget.Local, CancellationToken.None).Findings.Single(f => f.Rule == "Encrypted");
        Assert.Equal(ReadinessSeverity.Condition, finding.Severity);
        var expected = $"encrypted: {finding.Message} {finding.Remedy}";

        var (_, plan) = await _fabric.Session.Imports.PlanAsync(request, CancellationToken.None);
        Assert.Single(plan.Warnings, expected);
        if (staged)
        {
            await _fabric.Session.Imports.StageAsync(request, _fabric.Notices, CancellationToken.None);
            await _fabric.Session.Imports.StageAsync(request, _fabric.Notices, CancellationToken.None);   // said once, not with every pass
        }
        else
        {
            await _fabric.Session.Imports.ImportAsync(request, _fabric.Notices, CancellationToken.None);
        }

        Assert.Single(_fabric.Notices.Warnings, expected);
    }

    [Fact]
    public async Task WhatCannotBeLookedAtIsImportedAllTheSame()
    {
        // A partition table whose only partition begins where nothing that is known is.
        var path = Encrypted();
        using (var file = File.OpenHandle(path, FileMode.Open, FileAccess.Write))
            RandomAccess.Write(file, "????"u8, PartitionAt);
        var machine = await _fabric.Session.Imports.ImportAsync(new ImportRequest { Path = path, Memory = 32 << 20 }, _fabric.Notices, CancellationToken.None);
        Assert.Equal(MachineState.Deallocated, machine.State);
        Assert.DoesNotContain(_fabric.Notices.Warnings, w => w.Contains("encrypted by", StringComparison.Ordinal));
    }

    /// <summary>A disk with one partition, which begins as LUKS does.</summary>
    private string Encrypted()
    {
        var disk = new byte[4 << 20];
        byte[] entry = [0x80, 0, 0, 0, 0x83, 0, 0, 0, .. BitConverter.GetBytes(PartitionAt / 512), .. BitConverter.GetBytes((disk.Length - PartitionAt) / 512)];
        entry.CopyTo(disk, 446);
        (disk[0], disk[510], disk[511]) = (0xEB, 0x55, 0xAA);
        byte[] luks = [.. "LUKS"u8, 0xBA, 0xBE, 0, 1];
        luks.CopyTo(disk, PartitionAt);
        var path = Path.Combine(_fabric.Folder, "encrypted.raw");
        File.WriteAllBytes(path, disk);
        return path;
    }
}
