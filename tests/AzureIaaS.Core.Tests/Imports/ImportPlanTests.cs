using AzureIaaS.Imports;
using AzureIaaS.Providers;

namespace AzureIaaS.Tests.Imports;

public class ImportPlanTests
{
    private static readonly ImportPlace Place = new("/fabric", FreeBytes: 10L << 30, Overhead: 1 << 20);

    private static readonly ImportSource Source = new()
    {
        Format = "vhdx",
        Name = "web01",
        Firmware = Firmware.Uefi,
        Disks = [new ImageInfo { Path = "/x/web01.vhdx", Format = "vhdx", Length = 40L << 30, DataLength = 2L << 30, LogicalSectorSize = 4096 }],
    };

    [Fact]
    public void WhatTheUserSaysGoesBeforeWhatTheSourceSays()
    {
        var plan = Make(new ImportRequest { Path = "/x/web01.vhdx", Name = "other", Cpu = 4, Memory = 1L << 32, Firmware = Firmware.Bios });
        Assert.Equal(("other", 4, 1L << 32, Firmware.Bios), (plan.Machine.Name, plan.Machine.Cpu, plan.Machine.Memory, plan.Machine.Firmware));
    }

    [Fact]
    public void WhatNobodySaysIsChosen()
    {
        var plan = Make(new ImportRequest { Path = "/x/web01.vhdx" });
        Assert.Equal(("web01", 1, 1L << 30, Firmware.Uefi), (plan.Machine.Name, plan.Machine.Cpu, plan.Machine.Memory, plan.Machine.Firmware));
        Assert.Equal(MachineState.Deallocated, plan.Machine.State);
    }

    [Fact]
    public void TheSectorSizeTravelsWithTheDisk() => Assert.Equal(4096, Make(new ImportRequest { Path = "/x/web01.vhdx" }).Machine.Disks[0].LogicalSectorSize);

    [Fact]
    public void WhereNothingTellsTheFirmwareItIsBios() =>
        Assert.Equal(Firmware.Bios, Make(new ImportRequest { Path = "/x" }, Source with { Firmware = Firmware.Unknown }).Machine.Firmware);

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(5000)]
    public void AbsurdProcessorCounts(int cpu) => Refuses("InvalidCpuCount", new ImportRequest { Path = "/x", Cpu = cpu });

    [Fact]
    public void MemoryInBytesThatWasMeantInMegabytesIsAskedBack()
    {
        var error = Refuses("InvalidMemorySize", new ImportRequest { Path = "/x", Memory = 512 });
        Assert.Contains("512MB was meant", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void ABadNameIsRefused() => Refuses("InvalidVmName", new ImportRequest { Path = "/x", Name = "a/b" });

    [Fact]
    public void ADiskThatDoesNotFitIsRefused()
    {
        var error = Assert.Throws<IaaSException>(() => ImportPlan.Make(new ImportRequest { Path = "/x" }, Source, Place with { FreeBytes = 1L << 30 }, Guid.NewGuid(), DateTimeOffset.UnixEpoch));
        Assert.Equal(("NotEnoughSpace", ErrorKind.NoCapacity), (error.ErrorId, error.Kind));
        Assert.Contains("2 GB", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void OnlyItsDataNeedsRoomNotItsSize() => Assert.Equal(40L << 30, Make(new ImportRequest { Path = "/x" }).Machine.Disks[0].Length);

    [Theory]
    [InlineData("/exports/web/Virtual Hard Disks/web.vhdx", "/exports/web")]
    [InlineData("/exports/web/virtual hard disks/web.vhdx", "/exports/web")]
    [InlineData("/exports/web/web.vhdx", "/exports/web")]
    public void TheRootIsTheExportsOwn(string path, string root) => Assert.Equal(root, ImportRoot.For(path));

    private static ImportPlan Make(ImportRequest request, ImportSource? source = null) =>
        ImportPlan.Make(request, source ?? Source, Place, Guid.NewGuid(), DateTimeOffset.UnixEpoch);

    private static IaaSException Refuses(string errorId, ImportRequest request)
    {
        var error = Assert.Throws<IaaSException>(() => Make(request));
        Assert.Equal(errorId, error.ErrorId);
        Assert.NotEmpty(error.Remedy);
        return error;
    }
}
