using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Disks;
using AzureIaaS.Exports;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Tests.Exports;

public sealed class ExportTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly TestAzure _azure = new();

    public void Dispose() => _azure.Dispose();

    [Theory]
    [InlineData("VhdFixed", "vhd")]
    [InlineData("VhdxDynamic", "vhdx")]
    [InlineData("Qcow2", "qcow2")]
    public async Task A_disk_comes_home_as_it_went_and_only_what_is_allocated_is_fetched(string format, string extension)
    {
        var source = _azure.Image("web01.img", 64 * MiB, (0, 64), (3000, 5000), (60 << 10, 100));
        var machine = await _azure.ImportAsync(source);
        var target = Path.Combine(_azure.Folder, "back." + extension);
        var fetched = 0L;
        _azure.Arm.Intercept = r =>
        {
            if (r.Method == "GET" && r.Headers.TryGetValue("x-ms-range", out var range) && r.Query("comp") is null)
                Interlocked.Add(ref fetched, Length(range));
            return null;
        };

        await ExportAsync(machine, format, target);

        using var image = DiskFormat.OpenImage(target, new DiskOpenOptions { Root = _azure.Folder });
        var content = new byte[64 * MiB];
        image.Read(0, content);
        Assert.Equal(File.ReadAllBytes(source), content);
        // Read in blocks for the format, so that a piece may be asked for twice at its edges; never the holes.
        Assert.InRange(fetched, (64 + 5000 + 100) * 1024, (64 + 5000 + 100) * 1024 * 1.2);
        Assert.Equal("Unattached", (string?)_azure.Arm.Resources[TestAzure.IdOf("Microsoft.Compute/disks", "web01-disk0")]["properties"]!["diskState"]);
    }

    [Fact]
    public async Task Access_ends_when_an_export_fails()
    {
        var machine = await _azure.ImportAsync(_azure.Image("web01.img", 64 * MiB, (0, 64)));
        var target = Path.Combine(_azure.Folder, "there.vhd");
        File.WriteAllText(target, "mine");
        var count = 0;
        _azure.Arm.Intercept = r => r.Method == "GET" && r.Headers.ContainsKey("x-ms-range") && r.Query("comp") is null && ++count > 0 ? throw new HttpRequestException("no route") : null;

        await Assert.ThrowsAsync<IaaSException>(() => ExportAsync(machine, "VhdFixed", Path.Combine(_azure.Folder, "new.vhd")));
        await Assert.ThrowsAsync<IaaSException>(() => ExportAsync(machine, "VhdFixed", target));

        Assert.Equal("mine", File.ReadAllText(target));
        Assert.False(File.Exists(Path.Combine(_azure.Folder, "new.vhd")));
        Assert.Equal("Unattached", (string?)_azure.Arm.Resources[TestAzure.IdOf("Microsoft.Compute/disks", "web01-disk0")]["properties"]!["diskState"]);
    }

    [Fact]
    public async Task A_running_machine_is_not_exported_and_a_deallocated_one_is()
    {
        var machine = await _azure.ImportAsync(_azure.Image("web01.img", 32 * MiB, (0, 64)));
        await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);
        Assert.Equal("VmNotStopped", (await Assert.ThrowsAsync<IaaSException>(() => ExportAsync(machine, "VhdFixed", Path.Combine(_azure.Folder, "a.vhd")))).ErrorId);
        await _azure.Provider.StopAsync(machine.Id, new StopOptions(), _azure, default);

        await ExportAsync(machine, "VhdFixed", Path.Combine(_azure.Folder, "a.vhd"));

        Assert.Equal((32 * MiB) + 512, new FileInfo(Path.Combine(_azure.Folder, "a.vhd")).Length);
        Assert.Equal(MachineState.Running, (await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default)).State);
    }

    private Task ExportAsync(VirtualMachine machine, string format, string path)
    {
        var lender = (IDiskLender)_azure.Provider;
        var request = new ExportRequest { Format = format, Path = path, Open = lender.OpenDisk };
        return lender.LendDisksAsync(machine.Id, lent => MachineExport.RunAsync(lent, request, _azure.Time, _azure, default), default);
    }

    private static long Length(string range)
    {
        var parts = range["bytes=".Length..].Split('-');
        return long.Parse(parts[1], System.Globalization.CultureInfo.InvariantCulture) - long.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture) + 1;
    }
}
