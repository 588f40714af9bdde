using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Failover;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Tests.Failover;

public sealed class FailoverTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly TestAzure _azure = new();

    public FailoverTests() => _azure.Arm.HasAgent = true;

    public void Dispose() => _azure.Dispose();

    private IFailoverProvider Failovers => (IFailoverProvider)_azure.Provider;

    private ICheckpointProvider Checkpoints => (ICheckpointProvider)_azure.Provider;

    [Fact]
    public async Task A_planned_failover_redeploys_and_is_measured()
    {
        var machine = await RunAsync("web01");

        var report = await FailOverAsync(machine, FailoverKind.Planned);

        Assert.Equal((FailoverOutcome.Succeeded, TimeSpan.Zero), (report.Outcome, report.Rpo));
        Assert.Equal(["redeploy", "check"], report.Steps.Select(s => s.Name));
        Assert.NotNull(report.Rto);
        Assert.Contains(_azure.Arm.Requests, r => r.Path.EndsWith("/virtualMachines/web01/redeploy", StringComparison.Ordinal));
        Assert.Equal(report.Id, Assert.Single(_azure.Session.Store.Reports.List(machine.Id)).Id);
    }

    [Fact]
    public async Task A_machine_that_does_not_run_is_not_redeployed()
    {
        var machine = await ImportAsync("web01");
        await Assert.ThrowsAsync<IaaSException>(() => FailOverAsync(machine, FailoverKind.Planned));
        Assert.Empty(_azure.Session.Store.Reports.List(null));
    }

    [Fact]
    public async Task A_failover_that_fails_says_so_in_its_report()
    {
        var machine = await RunAsync("web01");
        _azure.Arm.Intercept = r => r.Path.EndsWith("/redeploy", StringComparison.Ordinal) ? Answer.Error(409, "AllocationFailed", "Allocation failed.") : null;

        var report = await FailOverAsync(machine, FailoverKind.Planned);

        Assert.Equal(FailoverOutcome.Failed, report.Outcome);
        Assert.Contains("Allocation failed", report.Error, StringComparison.Ordinal);
        Assert.Null(report.Rto);
    }

    [Fact]
    public async Task A_rehearsal_runs_a_clone_in_a_network_of_its_own_and_leaves_nothing()
    {
        var networks = (INetworkProvider)_azure.Provider;
        var corp = await networks.AddNetworkAsync(new VirtualNetwork { Name = "corp", Subnet = "10.20.0.0/24" }, _azure, default);
        var machine = await ImportAsync("web01");
        await networks.JoinAsync(machine.Id, corp.Id, new JoinOptions { IPAddress = "10.20.0.9" }, _azure, default);
        await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);
        var before = Picture();
        var seen = "";

        var report = await FailOverAsync(machine, FailoverKind.Test, new Look(clone => seen = $"{clone.IPAddress} {clone.State} {clone.NetworkAdapters[0].Network == clone.Name} {clone.RehearsalOf == machine.Id}"));

        Assert.Equal((FailoverOutcome.Succeeded, null), (report.Outcome, report.Error));
        Assert.Equal("10.20.0.9 Running True True", seen);
        Assert.Equal(["snapshot", "clone", "enclose", "start", "check", "discard"], report.Steps.Select(s => s.Name));
        Assert.Equal(before, Picture());
        Assert.Empty(_azure.Session.ListOperations(includeEnded: false));
        Assert.Single(await _azure.Session.ListAsync(default));
    }

    [Theory]
    [InlineData("/snapshots/")]
    [InlineData("/virtualMachines/web01-drill")]
    [InlineData("/virtualNetworks/web01-drill")]
    public async Task A_rehearsal_that_fails_anywhere_leaves_nothing(string at)
    {
        var machine = await RunAsync("web01");
        var before = Picture();
        _azure.Arm.Intercept = r => r.Method == "PUT" && r.Path.Contains(at, StringComparison.Ordinal) ? Answer.Error(409, "Conflict", "No.") : null;

        var report = await FailOverAsync(machine, FailoverKind.Test);

        Assert.Equal(FailoverOutcome.Failed, report.Outcome);
        Assert.Equal(before, Picture());
        Assert.Empty(_azure.Session.ListOperations(includeEnded: false));
    }

    [Fact]
    public async Task A_rehearsal_whose_computer_died_is_cleared_away_by_its_operation_or_as_orphans()
    {
        var machine = await RunAsync("web01");
        var before = Picture();
        _azure.Arm.Intercept = r => r.Path.Contains("-drill-", StringComparison.Ordinal) && r.Method == "GET" && r.Path.Contains("/virtualMachines/", StringComparison.Ordinal)
            && _azure.Arm.Resources.ContainsKey(r.Path) ? throw new InvalidOperationException("died") : null;
        await Assert.ThrowsAnyAsync<Exception>(() => FailOverAsync(machine, FailoverKind.Test));
        _azure.Arm.Intercept = _ => null;

        using (var other = _azure.OtherComputer())
        {
            var orphans = await ((IOrphanProvider)other.Provider).ListOrphansAsync(default);
            Assert.Equal(before == Picture(), orphans.Count == 0);
        }

        foreach (var operation in _azure.Session.ListOperations(includeEnded: false))
            await _azure.Session.UndoOperationAsync(operation.Id, _azure);
        Assert.Equal(before, Picture());
    }

    [Fact]
    public async Task What_another_computers_rehearsal_left_is_removed_one_by_one()
    {
        var machine = await RunAsync("web01");
        var before = Picture();
        using (var lost = _azure.OtherComputer())
        {
            _azure.Arm.Intercept = r => r.Method == "DELETE" ? throw new InvalidOperationException("died") : null;
            var report = await ((IFailoverProvider)lost.Provider).FailOverAsync(machine.Id, new FailoverOptions { Kind = FailoverKind.Test }, lost, default);
            Assert.Contains("Undo-IaaSOperation", report.Error, StringComparison.Ordinal);
            _azure.Arm.Intercept = _ => null;
        }

        var orphans = (IOrphanProvider)_azure.Provider;
        Assert.NotEmpty(await orphans.ListOrphansAsync(default));
        for (var round = 0; round < 10 && await orphans.ListOrphansAsync(default) is [var first, ..]; round++)
            await orphans.RemoveOrphanAsync(first.Id, _azure, default);

        Assert.Equal(before, Picture());
    }

    [Fact]
    public async Task An_unplanned_failover_comes_back_in_another_zone_from_the_last_checkpoint_with_its_address()
    {
        var machine = await RunAsync("web01", r => r with { Zone = "1" });
        await Checkpoints.CreateCheckpointAsync(machine.Id, "old", false, _azure, default);
        _azure.Time.Advance(TimeSpan.FromMinutes(30));
        await Checkpoints.CreateCheckpointAsync(machine.Id, "hourly", false, _azure, default);
        _azure.Time.Advance(TimeSpan.FromMinutes(20));
        var address = (await _azure.Provider.FindAsync(machine.Id, default))!.IPAddress;

        var report = await FailOverAsync(machine, FailoverKind.Unplanned);

        Assert.Equal((FailoverOutcome.Succeeded, null), (report.Outcome, report.Error));
        Assert.Equal(("westeurope zone 1", "westeurope zone 2"), (report.SourceHost, report.TargetHost));
        Assert.InRange(report.Rpo!.Value.TotalMinutes, 20, 22);
        Assert.Contains("'hourly'", report.RpoStatement, StringComparison.Ordinal);
        var after = Assert.Single(await _azure.Session.ListAsync(default));
        Assert.Equal((machine.Id, MachineState.Running, "2", address), (after.Id, after.State, after.Zone, after.IPAddress));
        Assert.Equal(after.Id, (await _azure.Session.ResolveAsync("web01", default))[0].Id);
        // The old disk is there still, for it has what came after the checkpoint; the machine can be removed with all.
        Assert.Equal("web01-disk0", Assert.Single(await ((IOrphanProvider)_azure.Provider).ListOrphansAsync(default)).Name);
        await _azure.Provider.RemoveAsync(machine.Id, force: true, keepDisks: false, _azure, default);
        Assert.DoesNotContain(_azure.Arm.Resources.Keys, k => k.Contains("web01", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("/disks/")]
    [InlineData("/virtualMachines/")]
    public async Task An_unplanned_failover_that_is_cut_off_leaves_one_machine(string at)
    {
        var machine = await RunAsync("web01", r => r with { Zone = "1" });
        await Checkpoints.CreateCheckpointAsync(machine.Id, "hourly", false, _azure, default);
        _azure.Arm.Intercept = r => r.Method == "PUT" && r.Path.Contains(at, StringComparison.Ordinal) ? Answer.Error(504, "GatewayTimeout", "Late.") : null;
        var report = await FailOverAsync(machine, FailoverKind.Unplanned);
        Assert.Equal(FailoverOutcome.Failed, report.Outcome);
        _azure.Arm.Intercept = _ => null;

        foreach (var operation in _azure.Session.ListOperations(includeEnded: false))
            await _azure.Session.ResumeOperationAsync(operation.Id, _azure, default);

        var after = Assert.Single(await _azure.Session.ListAsync(default));
        Assert.Equal(MachineState.Running, (await _azure.Provider.StartAsync(after.Id, new StartOptions(), _azure, default)).State);
        Assert.Empty(_azure.Session.ListOperations(includeEnded: false));
        Assert.Equal(at == "/disks/" ? "1" : "2", after.Zone);
        Assert.Single(_azure.Arm.Resources.Keys, k => k.Contains("/virtualMachines/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_checkpoint_there_is_nothing_to_come_back_from()
    {
        var machine = await RunAsync("web01");
        var e = await Assert.ThrowsAsync<IaaSException>(() => FailOverAsync(machine, FailoverKind.Unplanned));
        Assert.Equal("NoCheckpoint", e.ErrorId);
        Assert.Contains("Checkpoint-IaaSVm", e.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(FailoverKind.Planned, "2", "NotSupportedInAzure")]
    [InlineData(FailoverKind.Unplanned, "westeurope", "SameRegion")]
    [InlineData(FailoverKind.Unplanned, "atlantis", "SizeNotInRegion")]
    public async Task Targets_that_cannot_be_are_refused(FailoverKind kind, string target, string id)
    {
        var machine = await RunAsync("web01");
        var e = await Assert.ThrowsAsync<IaaSException>(() => Failovers.FailOverAsync(machine.Id, new FailoverOptions { Kind = kind, TargetHost = target }, _azure, default));
        Assert.Equal(id, e.ErrorId);
    }

    [Fact]
    public async Task A_port_is_not_said_to_answer_when_nobody_asked()
    {
        var machine = await RunAsync("web01");
        var report = await FailOverAsync(machine, FailoverKind.Planned, new PortCheck(80));
        Assert.Equal(FailoverOutcome.Failed, report.Outcome);
    }

    /// <summary>Everything there is, by id and properties that matter, for comparing.</summary>
    private string Picture() => string.Join('\n', _azure.Arm.Resources.Select(r => $"{r.Key} {r.Value["properties"]?["diskState"]} {r.Value["tags"]?.ToJsonString()}").Order(StringComparer.Ordinal));

    private Task<FailoverReport> FailOverAsync(VirtualMachine machine, FailoverKind kind, params FailoverCheck[] checks) =>
        Failovers.FailOverAsync(machine.Id, new FailoverOptions { Kind = kind, Checks = checks }, _azure, default);

    private Task<VirtualMachine> ImportAsync(string name, Func<Imports.ImportRequest, Imports.ImportRequest>? with = null) =>
        _azure.ImportAsync(_azure.Image(name + ".img", 32 * MiB, (1024, 256)), with);

    private async Task<VirtualMachine> RunAsync(string name, Func<Imports.ImportRequest, Imports.ImportRequest>? with = null) =>
        await _azure.Provider.StartAsync((await ImportAsync(name, with)).Id, new StartOptions(), _azure, default);

    internal sealed class Look(Action<VirtualMachine> at) : FailoverCheck
    {
        public override string Name => "Look";

        public override Task<(bool Succeeded, string Detail)> RunAsync(VirtualMachine machine, IVmProvider provider, CancellationToken cancellation)
        {
            at(machine);
            return Task.FromResult((true, ""));
        }
    }
}
