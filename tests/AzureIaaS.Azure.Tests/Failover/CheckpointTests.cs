using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Tests.Failover;

public sealed class CheckpointTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly TestAzure _azure = new();

    public void Dispose() => _azure.Dispose();

    private ICheckpointProvider Checkpoints => (ICheckpointProvider)_azure.Provider;

    [Fact]
    public async Task A_checkpoint_is_seen_from_every_computer_and_goes_with_its_machine()
    {
        var machine = await ImportAsync();
        var made = await Checkpoints.CreateCheckpointAsync(machine.Id, "before update", false, _azure, default);
        using var other = _azure.OtherComputer();

        var seen = Assert.Single(Assert.Single(await other.Session.ListAsync(default)).Checkpoints);
        Assert.Equal((made.Id, "before update", machine.Cpu), (seen.Id, seen.Name, seen.Cpu));
        Assert.Equal(made.Id, Assert.Single((await other.Session.ResolveAsync("web01", default))[0].Checkpoints).Id);
        Assert.Equal("CheckpointNameTaken", (await Assert.ThrowsAsync<IaaSException>(() => Checkpoints.CreateCheckpointAsync(machine.Id, "Before Update", false, _azure, default))).ErrorId);
        await other.Provider.RemoveAsync(machine.Id, false, false, other, default);

        Assert.Single(_azure.Arm.Resources);   // the group
    }

    [Fact]
    public async Task A_machine_goes_back_to_what_was_kept_and_is_one_machine_all_the_while()
    {
        var machine = await ImportAsync();
        var kept = await Checkpoints.CreateCheckpointAsync(machine.Id, "good", false, _azure, default);
        var before = await _azure.Blobs.ReadAsync("farm-web01-disk0", 0, (int)(32 * MiB));
        await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);
        await Assert.ThrowsAsync<IaaSException>(() => Checkpoints.RestoreCheckpointAsync(machine.Id, kept.Id, _azure, default));
        await _azure.Provider.StopAsync(machine.Id, new StopOptions(), _azure, default);

        var restored = await Checkpoints.RestoreCheckpointAsync(machine.Id, kept.Id, _azure, default);

        Assert.Equal((machine.Id, MachineState.Deallocated), (restored.Id, restored.State));
        var disk = restored.Disks[0].Path.Split('/')[^1];
        Assert.NotEqual("web01-disk0", disk);
        Assert.Equal(before, await _azure.Blobs.ReadAsync($"farm-{disk}", 0, (int)(32 * MiB)));
        Assert.Equal(MachineState.Running, (await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default)).State);
        Assert.Single(_azure.Arm.Resources.Keys, k => k.Contains("/disks/", StringComparison.Ordinal));
        Assert.Empty(await ((IOrphanProvider)_azure.Provider).ListOrphansAsync(default));
        await Checkpoints.RemoveCheckpointAsync(machine.Id, kept.Id, _azure, default);
        Assert.Empty((await _azure.Session.ListAsync(default))[0].Checkpoints);
    }

    [Fact]
    public async Task A_checkpoint_that_fails_half_way_is_none()
    {
        var machine = await ImportAsync();
        _azure.Arm.Intercept = r => r.Method == "PUT" && r.Path.Contains("/snapshots/", StringComparison.Ordinal) ? Answer.Error(409, "Conflict", "No.") : null;

        await Assert.ThrowsAsync<IaaSException>(() => Checkpoints.CreateCheckpointAsync(machine.Id, "bad", false, _azure, default));

        Assert.DoesNotContain(_azure.Arm.Resources.Keys, k => k.Contains("/snapshots/", StringComparison.Ordinal));
        Assert.Equal("NotSupportedInAzure", (await Assert.ThrowsAsync<IaaSException>(() => Checkpoints.CreateCheckpointAsync(machine.Id, "m", true, _azure, default))).ErrorId);
    }

    [Fact]
    public async Task A_restore_whose_disks_cannot_be_made_changes_nothing()
    {
        var machine = await ImportAsync();
        var kept = await Checkpoints.CreateCheckpointAsync(machine.Id, "good", false, _azure, default);
        _azure.Arm.Intercept = r => r.Method == "PUT" && r.Path.Contains("/disks/", StringComparison.Ordinal) ? Answer.Error(409, "Conflict", "No.") : null;

        await Assert.ThrowsAsync<IaaSException>(() => Checkpoints.RestoreCheckpointAsync(machine.Id, kept.Id, _azure, default));
        _azure.Arm.Intercept = _ => null;

        Assert.EndsWith("web01-disk0", Assert.Single(await _azure.Session.ListAsync(default)).Disks[0].Path, StringComparison.Ordinal);
        Assert.Single(_azure.Arm.Resources.Keys, k => k.Contains("/disks/", StringComparison.Ordinal));
    }

    private Task<VirtualMachine> ImportAsync() => _azure.ImportAsync(_azure.Image("web01.img", 32 * MiB, (1024, 256)));
}
