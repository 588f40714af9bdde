using System.Text.Json.Nodes;
using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Tests.Machines;

public sealed class MachineTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly TestAzure _azure = new();

    public void Dispose() => _azure.Dispose();

    [Fact]
    public async Task A_machine_goes_through_its_life()
    {
        var machine = await ImportAsync("web01");
        Assert.Equal(MachineState.Deallocated, machine.State);
        Assert.Null(_azure.Arm.Resources.GetValueOrDefault(Vm("web01")));   // nothing runs, and nothing but the disk is paid for

        var started = await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);
        Assert.Equal(MachineState.Running, started.State);
        Assert.StartsWith("10.96.", started.IPAddress, StringComparison.Ordinal);

        Assert.Equal(MachineState.Stopped, (await _azure.Provider.StopAsync(machine.Id, new StopOptions { StayProvisioned = true }, _azure, default)).State);
        Assert.Equal(MachineState.Running, (await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default)).State);
        Assert.Equal(MachineState.Running, (await _azure.Provider.RestartAsync(machine.Id, new StopOptions { Force = true }, _azure, default)).State);
        Assert.Equal(MachineState.Deallocated, (await _azure.Provider.StopAsync(machine.Id, new StopOptions(), _azure, default)).State);

        await _azure.Provider.RemoveAsync(machine.Id, force: false, keepDisks: false, _azure, default);
        Assert.Empty(await _azure.Session.ListAsync(default));
        Assert.DoesNotContain(_azure.Arm.Resources.Keys, k => k.Contains("web01", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_running_machine_is_not_removed_without_force()
    {
        var machine = await RunAsync("web02");

        var e = await Assert.ThrowsAsync<IaaSException>(() => _azure.Provider.RemoveAsync(machine.Id, false, false, _azure, default));
        Assert.Equal(ErrorKind.InvalidState, e.Kind);
        await _azure.Provider.RemoveAsync(machine.Id, force: true, keepDisks: true, _azure, default);

        var disk = _azure.Arm.Resources[Disk("web02")];
        Assert.DoesNotContain(disk["tags"]!.AsObject(), t => t.Key.StartsWith("azureiaas-", StringComparison.Ordinal));
        Assert.Empty(await _azure.Session.ListAsync(default));
        Assert.Empty(await ((IOrphanProvider)_azure.Provider).ListOrphansAsync(default));
    }

    [Fact]
    public async Task Another_computer_sees_and_starts_it()
    {
        var machine = await ImportAsync("web03", r => r with { Size = "Standard_D4s_v5", AvailabilitySet = "sp-web", Tags = new Dictionary<string, string> { ["owner"] = "me" } });
        using var other = _azure.OtherComputer();

        var seen = Assert.Single(await other.Session.ListAsync(default));
        Assert.Equal((machine.Id, "web03", "Standard_D4s_v5", 4, "sp-web"), (seen.Id, seen.Name, seen.Size, seen.Cpu, seen.AvailabilitySet));
        Assert.Equal("me", seen.Tags["owner"]);
        Assert.Equal(MachineState.Running, (await other.Provider.StartAsync((await other.Session.ResolveAsync("WEB03", default))[0].Id, new StartOptions(), other, default)).State);
        Assert.Equal(MachineState.Running, Assert.Single(await _azure.Session.ListAsync(default)).State);
    }

    [Fact]
    public async Task Many_machines_are_listed_by_as_many_requests_as_one()
    {
        for (var i = 0; i < 1000; i++)
            AddForeign($"m{i:000}");
        _azure.Arm.Requests.Clear();

        var all = await _azure.Session.ListAsync(default);

        Assert.Equal(1000, all.Count);
        Assert.All(all, m => Assert.Equal(MachineState.Running, m.State));
        Assert.Equal(4, _azure.Arm.Requests.Count);
    }

    [Fact]
    public async Task A_start_whose_answer_was_lost_is_finished_by_the_next()
    {
        var machine = await ImportAsync("web04");
        var lost = 0;
        _azure.Arm.Intercept = r => r.Method == "PUT" && r.Path.EndsWith("/networkInterfaces/web04-nic0", StringComparison.Ordinal) && ++lost <= 20
            ? Answer.Error(504, "GatewayTimeout", "The gateway did not receive a response in time.") : null;

        var e = await Assert.ThrowsAsync<IaaSException>(() => _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default));
        Assert.True(e.IsPassing);
        _azure.Arm.Intercept = _ => null;
        await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);

        Assert.Equal(1, _azure.Arm.Resources.Keys.Count(k => k.Contains("virtualMachines", StringComparison.Ordinal)));
        Assert.Equal(1, _azure.Arm.Resources.Keys.Count(k => k.Contains("networkInterfaces", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task What_is_not_ours_is_not_touched()
    {
        var foreign = new JsonObject { ["id"] = Disk("db01"), ["name"] = "db01-disk0", ["type"] = "Microsoft.Compute/disks", ["location"] = "westeurope", ["tags"] = new JsonObject(), ["properties"] = new JsonObject { ["diskState"] = "Unattached", ["creationData"] = new JsonObject { ["createOption"] = "Empty" } } };
        Add(foreign);
        var before = foreign.ToJsonString();

        var e = await Assert.ThrowsAsync<IaaSException>(() => ImportAsync("db01"));

        Assert.Equal("AzureNameTaken", e.ErrorId);
        Assert.Equal(before, _azure.Arm.Resources[Disk("db01")].ToJsonString());
        Assert.Empty(_azure.Session.ListOperations(true));
    }

    [Fact]
    public async Task What_an_import_of_a_lost_computer_left_is_listed_and_removed()
    {
        using (var lost = _azure.OtherComputer())
        {
            using var stop = new CancellationTokenSource();
            _azure.Arm.Intercept = r => Upload.UploadTests.IsPage(r) ? Stop() : null;
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => lost.ImportAsync(lost.Image("left.img", 32 * MiB, (0, 1024)), cancellation: stop.Token));
            _azure.Arm.Intercept = _ => null;
            Answer? Stop()
            {
                stop.Cancel();
                throw new OperationCanceledException();
            }
        }

        var orphans = (IOrphanProvider)_azure.Provider;
        var orphan = Assert.Single(await orphans.ListOrphansAsync(default));
        Assert.Equal(("left-disk0", "Disk"), (orphan.Name, orphan.Kind));
        await orphans.RemoveOrphanAsync(orphan.Id, _azure, default);

        Assert.Empty(await orphans.ListOrphansAsync(default));
        Assert.Single(_azure.Arm.Resources);   // the group
    }

    [Theory]
    [InlineData(GuestOSType.Unknown, Firmware.Bios, null, "OSTypeUnknown")]
    [InlineData(GuestOSType.Linux, Firmware.Unknown, null, "FirmwareUnknown")]
    [InlineData(GuestOSType.Linux, Firmware.Bios, "Standard_D99_v9", "SizeNotAvailable")]
    [InlineData(GuestOSType.Linux, Firmware.Bios, "Standard_DC2s", "SizeNotAvailable")]
    [InlineData(GuestOSType.Linux, Firmware.Bios, "Standard_M8ms", "SizeNotAvailable")]
    [InlineData(GuestOSType.Linux, Firmware.Uefi, "Standard_D2ps_v5", "SizeNotAvailable")]
    [InlineData(GuestOSType.Linux, Firmware.Bios, "Standard_D64s_v5", "QuotaExceeded")]
    public async Task What_Azure_would_refuse_at_the_end_is_refused_before_the_first_byte(GuestOSType os, Firmware firmware, string? size, string error)
    {
        _azure.Arm.Requests.Clear();

        var e = await Assert.ThrowsAsync<IaaSException>(() => ImportAsync("bad", r => r with { OSType = os, Firmware = firmware, Size = size }));

        Assert.Equal(error, e.ErrorId);
        Assert.NotEmpty(e.Remedy);
        Assert.DoesNotContain(_azure.Arm.Requests, r => r.Method != "GET");
    }

    [Theory]
    [InlineData("two words")]
    [InlineData("wörk")]
    [InlineData("ends-")]
    public async Task Names_that_Azure_refuses_are_refused(string name) =>
        Assert.Equal("InvalidVmName", (await Assert.ThrowsAsync<IaaSException>(() => ImportAsync("good", r => r with { Name = name }))).ErrorId);

    [Fact]
    public async Task A_disk_too_large_to_boot_from_is_refused()
    {
        var path = _azure.Image("huge.img", 3L << 40);
        Assert.Equal("DiskTooLarge", (await Assert.ThrowsAsync<IaaSException>(() => _azure.ImportAsync(path))).ErrorId);
    }

    [Fact]
    public async Task A_size_is_changed_when_it_is_stopped()
    {
        var machine = await RunAsync("web05");
        var editor = (IMachineEditor)_azure.Provider;

        await Assert.ThrowsAsync<IaaSException>(() => editor.ChangeAsync(machine.Id, new MachineChange { Size = "Standard_D2s_v5" }, default));
        await _azure.Provider.StopAsync(machine.Id, new StopOptions(), _azure, default);
        var changed = await editor.ChangeAsync(machine.Id, new MachineChange { Size = "Standard_D2s_v5" }, default);

        Assert.Equal(("Standard_D2s_v5", 2, 8L << 30), (changed.Size, changed.Cpu, changed.Memory));
    }

    private Task<VirtualMachine> ImportAsync(string name, Func<Imports.ImportRequest, Imports.ImportRequest>? with = null) =>
        _azure.ImportAsync(_azure.Image(name + ".img", 32 * MiB, (1024, 256)), with);

    private async Task<VirtualMachine> RunAsync(string name) => await _azure.Provider.StartAsync((await ImportAsync(name)).Id, new StartOptions(), _azure, default);

    private static string Vm(string name) => TestAzure.IdOf("Microsoft.Compute/virtualMachines", name);

    private static string Disk(string name) => TestAzure.IdOf("Microsoft.Compute/disks", name + "-disk0");

    private void Add(JsonObject resource) => _azure.Arm.Add(resource);

    /// <summary>A machine that another computer has imported and started.</summary>
    private void AddForeign(string name)
    {
        var id = Guid.NewGuid().ToString();
        Add(new JsonObject
        {
            ["id"] = Disk(name), ["name"] = name + "-disk0", ["type"] = "Microsoft.Compute/disks", ["location"] = "westeurope", ["managedBy"] = Vm(name),
            ["tags"] = new JsonObject { ["azureiaas-vm"] = id, ["azureiaas-name"] = name, ["azureiaas-disk"] = "disk0" },
            ["properties"] = new JsonObject { ["diskState"] = "Attached", ["osType"] = "Linux", ["creationData"] = new JsonObject { ["createOption"] = "Upload" } },
        });
        Add(new JsonObject
        {
            ["id"] = Vm(name), ["name"] = name, ["type"] = "Microsoft.Compute/virtualMachines", ["location"] = "westeurope", ["power"] = "running",
            ["tags"] = new JsonObject { ["azureiaas-vm"] = id }, ["properties"] = new JsonObject { ["provisioningState"] = "Succeeded" },
        });
    }
}
