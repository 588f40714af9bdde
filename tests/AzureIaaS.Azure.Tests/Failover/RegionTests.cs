using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Failover;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Tests.Failover;

/// <summary>The loss of a region.</summary>
public sealed class RegionTests : IDisposable
{
    private const string There = "northeurope";
    private const long MiB = 1 << 20;

    private readonly TestAzure _azure = new();

    public RegionTests() => _azure.Arm.HasAgent = true;

    public void Dispose() => _azure.Dispose();

    private ICheckpointProvider Checkpoints => (ICheckpointProvider)_azure.Provider;

    private INetworkProvider Networks => (INetworkProvider)_azure.Provider;

    [Fact]
    public async Task A_machine_comes_back_in_another_region_with_its_address_and_goes_on_living_there()
    {
        var machine = await OnNetworkAsync();
        await _azure.Provider.StartAsync(machine.Id, new StartOptions { Publish = [PublishedPort.Parse("443"), PublishedPort.Parse("53/udp")], PublishFrom = ["198.51.100.0/24"] }, _azure, default);
        await Checkpoints.CreateCheckpointAsync(machine.Id, "hourly", false, _azure, default);
        _azure.Time.Advance(TimeSpan.FromMinutes(40));

        var report = await FailOverAsync(machine, There);

        Assert.Equal((FailoverOutcome.Succeeded, null), (report.Outcome, report.Error));
        Assert.Equal(("westeurope zone 1", There), (report.SourceHost, report.TargetHost));
        Assert.Equal(["copy", "disks", "fence", "network", "start elsewhere", "check"], report.Steps.Select(s => s.Name));
        Assert.InRange(report.Rpo!.Value.TotalMinutes, 40, 45);
        var after = Assert.Single(await _azure.Session.ListAsync(default));
        Assert.Equal((machine.Id, MachineState.Running, There, null, "10.20.0.9"), (after.Id, after.State, after.Region, after.Zone, after.IPAddress));
        Assert.Equal("corp-northeurope", (await _azure.Provider.FindAsync(machine.Id, default))!.NetworkAdapters[0].Network);
        Assert.Contains(_azure.Notices, n => n.Kind == NoticeKind.Warning && n.Text.Contains("loses its public address", StringComparison.Ordinal));
        Assert.Contains(_azure.Notices, n => n.Kind == NoticeKind.Warning && n.Text.Contains("published ports (443, 53/udp) are closed", StringComparison.Ordinal));
        Assert.DoesNotContain(_azure.Arm.Resources.Values, g => g["properties"]?["securityRules"] is System.Text.Json.Nodes.JsonArray { Count: > 0 });   // as it was said
        Assert.Empty((await _azure.Provider.FindAsync(machine.Id, default))!.PublishedPorts);
        Assert.Contains(_azure.Notices, n => n.Kind == NoticeKind.Step && n.Text.StartsWith("Copying snapshot", StringComparison.Ordinal) && n.Fraction is > 0 and < 1);
        // The stand-in is as closed as the network was; the old disk is there still.
        Assert.Empty(_azure.Arm.Resources[TestAzure.IdOf("Microsoft.Network/networkSecurityGroups", "corp-northeurope")]["properties"]!["securityRules"]!.AsArray());
        Assert.Equal("web01-disk0", Assert.Single(await ((IOrphanProvider)_azure.Provider).ListOrphansAsync(default)).Name);

        // And everything else goes on there: a checkpoint, a rehearsal, a stop, a restore, the removal of all.
        var kept = await Checkpoints.CreateCheckpointAsync(machine.Id, "there", false, _azure, default);
        Assert.Equal(FailoverOutcome.Succeeded, (await ((IFailoverProvider)_azure.Provider).FailOverAsync(machine.Id, new FailoverOptions { Kind = FailoverKind.Test }, _azure, default)).Outcome);
        await _azure.Provider.StopAsync(machine.Id, new StopOptions(), _azure, default);
        await Checkpoints.RestoreCheckpointAsync(machine.Id, kept.Id, _azure, default);
        Assert.Equal(There, (await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default)).Region);
        await _azure.Provider.RemoveAsync(machine.Id, force: true, keepDisks: false, _azure, default);
        Assert.DoesNotContain(_azure.Arm.Resources.Keys, k => k.Contains("web01", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_copied_before_needs_nothing_of_the_lost_region()
    {
        var machine = await OnNetworkAsync();
        var copied = await CopiedAsync(_azure, machine, "copied");
        await Checkpoints.CreateCheckpointAsync(machine.Id, "younger", false, _azure, default);
        _azure.Arm.Intercept = r => r.Method == "PUT" && System.Text.Encoding.UTF8.GetString(r.Body).Contains("westeurope", StringComparison.Ordinal)
            ? Answer.Error(500, "RegionDown", "The region does not answer.") : null;

        var report = await FailOverAsync(machine, There);

        Assert.Equal((FailoverOutcome.Succeeded, null), (report.Outcome, report.Error));
        Assert.Contains("'copied'", report.RpoStatement, StringComparison.Ordinal);
        Assert.Contains(_azure.Notices, n => n.Kind == NoticeKind.Warning && n.Text.Contains("'younger' is younger", StringComparison.Ordinal));
        Assert.Equal(["copied", "younger"], (await _azure.Provider.FindAsync(machine.Id, default))!.Checkpoints.Select(c => c.Name));
        await Checkpoints.RemoveCheckpointAsync(machine.Id, copied.Id, _azure, default);
        Assert.DoesNotContain(_azure.Arm.Resources.Keys, k => k.Contains("/snapshots/", StringComparison.Ordinal) && k.EndsWith(There, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Cut_off_at_any_request_it_leaves_one_machine_here_or_there()
    {
        for (var at = 0; ; at += Environment.GetEnvironmentVariable("AZUREIAAS_SOAK") is null ? 3 : 1)
        {
            using var azure = new TestAzure();
            azure.Arm.HasAgent = true;
            var machine = await OnNetworkAsync(azure);
            await ((ICheckpointProvider)azure.Provider).CreateCheckpointAsync(machine.Id, "hourly", false, azure, default);
            var (changes, cut) = (0, at);
            azure.Arm.Intercept = r => r.Method is "PUT" or "DELETE" or "PATCH" && changes++ == cut ? throw new InvalidOperationException("died") : null;
            var died = await Record.ExceptionAsync(() => FailOverAsync(machine, There, azure)) is not null;
            azure.Arm.Intercept = _ => null;
            foreach (var operation in azure.Session.ListOperations(includeEnded: false))
                await azure.Session.ResumeOperationAsync(operation.Id, azure, default);

            var after = Assert.Single(await azure.Session.ListAsync(default));
            Assert.Equal(MachineState.Running, (await azure.Provider.StartAsync(after.Id, new StartOptions(), azure, default)).State);
            Assert.Single(azure.Arm.Resources.Keys, k => k.Contains("/virtualMachines/", StringComparison.Ordinal));
            Assert.Equal("10.20.0.9", (await azure.Provider.FindAsync(after.Id, default))!.IPAddress);
            if (!died)
                return;
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_rehearsal_there_runs_a_clone_with_the_same_address_and_leaves_nothing(bool isCopied)
    {
        var machine = await OnNetworkAsync();
        if (isCopied)
        {
            await CopiedAsync(_azure, machine, "hourly");
            _azure.Time.Advance(TimeSpan.FromMinutes(40));
        }

        var before = Picture(_azure);
        var seen = "";
        var report = await RehearseAsync(machine, _azure, new FailoverTests.Look(clone => seen = $"{clone.Region} {clone.Zone} {clone.IPAddress} {clone.State} {clone.NetworkAdapters[0].Network == clone.Name} {clone.RehearsalOf == machine.Id}"));

        Assert.Equal((FailoverOutcome.Succeeded, null), (report.Outcome, report.Error));
        Assert.Equal("northeurope  10.20.0.9 Running True True", seen);
        Assert.Equal(("westeurope zone 1", There), (report.SourceHost, report.TargetHost));
        Assert.Equal(isCopied ? ["clone", "enclose", "start", "check", "discard"] : ["snapshot", "copy", "clone", "enclose", "start", "check", "discard"], report.Steps.Select(s => s.Name));
        Assert.InRange(report.Rpo!.Value.TotalMinutes, isCopied ? 40 : 0, isCopied ? 45 : 0);
        Assert.Contains(isCopied ? "'hourly', the last one in northeurope" : "-CopyTo northeurope", report.RpoStatement, StringComparison.Ordinal);
        Assert.Equal(before, Picture(_azure));
        Assert.Empty(_azure.Session.ListOperations(includeEnded: false));
        Assert.Equal((MachineState.Running, "westeurope"), ((await _azure.Provider.FindAsync(machine.Id, default))!.State, machine.Region));
    }

    [Fact]
    public async Task A_rehearsal_there_that_is_cut_off_at_any_request_leaves_nothing()
    {
        for (var at = 0; ; at += Environment.GetEnvironmentVariable("AZUREIAAS_SOAK") is null ? 4 : 1)
        {
            using var azure = new TestAzure();
            azure.Arm.HasAgent = true;
            var machine = await OnNetworkAsync(azure);
            var before = Picture(azure);
            var (changes, cut) = (0, at);
            // Dead from there on: nothing is cleared away by the same process.
            azure.Arm.Intercept = r => r.Method is "PUT" or "DELETE" or "PATCH" or "POST" && changes++ >= cut ? throw new InvalidOperationException("died") : null;
            var died = await Record.ExceptionAsync(() => RehearseAsync(machine, azure)) is not null;
            azure.Arm.Intercept = _ => null;
            azure.Restart();
            if (at % 8 == 0)
            {
                foreach (var operation in azure.Session.ListOperations(includeEnded: false))
                    await azure.Session.ResumeOperationAsync(operation.Id, azure, default);
            }
            else
            {
                // The computer is lost: another one sees what is left, and removes it.
                using var other = azure.OtherComputer();
                var orphans = (IOrphanProvider)other.Provider;
                for (var round = 0; round < 20 && await orphans.ListOrphansAsync(default) is [var first, ..]; round++)
                    await orphans.RemoveOrphanAsync(first.Id, other, default);
            }

            Assert.Equal(before, Picture(azure));
            if (!died)
                return;
        }
    }

    [Fact]
    public async Task A_rehearsal_in_its_own_region_by_name_or_in_none_there_is_is_refused()
    {
        var machine = await OnNetworkAsync();
        async Task<string> Refusal(string to) => (await Assert.ThrowsAsync<IaaSException>(
            () => ((IFailoverProvider)_azure.Provider).FailOverAsync(machine.Id, new FailoverOptions { Kind = FailoverKind.Test, TargetHost = to }, _azure, default))).ErrorId;

        Assert.Equal("SameRegion", await Refusal("westeurope"));
        Assert.Equal("SizeNotInRegion", await Refusal("nowhere"));
    }

    [Fact]
    public async Task A_checkpoint_whose_copy_was_cut_off_at_any_request_goes_on_by_resuming_it_or_by_the_same_again_here_or_elsewhere()
    {
        var everywhere = Environment.GetEnvironmentVariable("AZUREIAAS_SOAK") is not null;
        for (var (at, way) = (0, 0); ; at += everywhere ? 1 : 2, way = (way + 1) % 3)
        {
            using var azure = new TestAzure();
            var machine = await azure.ImportAsync(azure.Image("web01.img", 24 * MiB, (1024, 64)));
            var died = await IsCutOffAsync(azure, machine, at);
            if (died)
                azure.Restart();
            var taken = azure.Arm.Resources.Values.Where(IsCheckpoint).Select(s => (string?)s["id"]).ToList();
            using var other = way == 2 ? azure.OtherComputer() : null;
            if (way == 0)
                await ResumeAllAsync(azure);
            if (died && (way != 0 || taken.Count == 0))
                await CopiedAsync(other ?? azure, machine, "hourly");

            var checkpoint = Assert.Single((await azure.Provider.FindAsync(machine.Id, default))!.Checkpoints);
            var now = azure.Arm.Resources.Values.Where(IsCheckpoint).Select(s => (string?)s["id"]);
            Assert.Equal(taken.Count > 0 ? taken : now, now);   // not taken again
            var copy = Assert.Single(azure.Arm.Resources.Values, s => (string?)s["location"] == There);
            Assert.Equal(("hourly", checkpoint.Id.ToString(), 100), (checkpoint.Name, (string?)copy["tags"]!["azureiaas-checkpoint"], (int?)copy["properties"]!["completionPercent"]));
            Assert.Equal("CheckpointNameTaken", (await Assert.ThrowsAsync<IaaSException>(() => CopiedAsync(other ?? azure, machine, "hourly"))).ErrorId);
            await ResumeAllAsync(azure);   // what the other computer has done by now is done
            Assert.Empty(azure.Session.ListOperations(includeEnded: false));
            Assert.Equal(2, azure.Arm.Resources.Keys.Count(k => k.Contains("/snapshots/", StringComparison.Ordinal)));
            if (!died)
                return;
        }
    }

    [Fact]
    public async Task A_copy_of_a_checkpoint_that_is_given_up_at_any_request_is_removed_and_nothing_else_is()
    {
        var everywhere = Environment.GetEnvironmentVariable("AZUREIAAS_SOAK") is not null;
        for (var at = 0; ; at += everywhere ? 1 : 2)
        {
            using var azure = new TestAzure();
            var machine = await azure.ImportAsync(azure.Image("web01.img", 24 * MiB, (1024, 64)));
            await CopiedAsync(azure, machine, "earlier");
            var before = Snapshots(azure);
            var died = await IsCutOffAsync(azure, machine, at);
            if (!died)
                return;
            azure.Restart();
            var taken = azure.Arm.Resources.Values.Where(IsCheckpoint).Select(s => (string)s["id"]!).Except(before).ToList();

            foreach (var operation in azure.Session.ListOperations(includeEnded: false))
                await azure.Session.UndoOperationAsync(operation.Id, azure);

            Assert.Empty(azure.Session.ListOperations(includeEnded: false));
            Assert.Equal([.. before.Concat(taken).Order(StringComparer.Ordinal)], Snapshots(azure));
            Assert.Equal(taken.Count, azure.Notices.Count(n => n.Kind == NoticeKind.Warning && n.Text.Contains("'hourly' of web01 stays", StringComparison.Ordinal)));
            await CopiedAsync(azure, machine, "hourly");   // and can be had all the same
            Assert.Equal(2, azure.Arm.Resources.Values.Count(s => (string?)s["location"] == There));
        }
    }

    private static List<string> Snapshots(TestAzure azure) => [.. azure.Arm.Resources.Keys.Where(k => k.Contains("/snapshots/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];

    /// <summary>Copies a checkpoint, and is cut off at a request for a snapshot.</summary>
    /// <returns>False when it was over before that.</returns>
    private static async Task<bool> IsCutOffAsync(TestAzure azure, VirtualMachine machine, int at)
    {
        using var stop = new CancellationTokenSource();
        var requests = 0;
        azure.Arm.Intercept = r =>
        {
            if (r.Path.Contains("/snapshots/", StringComparison.Ordinal) && requests++ == at)
                stop.Cancel();
            return stop.IsCancellationRequested ? throw new OperationCanceledException(stop.Token) : null;
        };
        var died = await Record.ExceptionAsync(() => CopiedAsync(azure, machine, "hourly", stop.Token)) is not null;
        azure.Arm.Intercept = _ => null;
        return died;
    }

    private static async Task ResumeAllAsync(TestAzure azure)
    {
        foreach (var operation in azure.Session.ListOperations(includeEnded: false))
            await azure.Session.ResumeOperationAsync(operation.Id, azure, default);
    }

    private static bool IsCheckpoint(System.Text.Json.Nodes.JsonObject resource) => resource["tags"]?["azureiaas-checkpoint-name"] is not null;

    private static Task<VmCheckpoint> CopiedAsync(TestAzure azure, VirtualMachine machine, string name, CancellationToken cancellation = default) =>
        ((ICheckpointCopier)azure.Provider).CreateCopiedCheckpointAsync(machine.Id, name, false, There, azure, cancellation);

    private static Task<FailoverReport> RehearseAsync(VirtualMachine machine, TestAzure azure, params FailoverCheck[] checks) =>
        ((IFailoverProvider)azure.Provider).FailOverAsync(machine.Id, new FailoverOptions { Kind = FailoverKind.Test, TargetHost = There, Checks = checks }, azure, default);

    private static string Picture(TestAzure azure) =>
        string.Join('\n', azure.Arm.Resources.Select(r => $"{r.Key} {r.Value["properties"]?["diskState"]} {r.Value["tags"]?.ToJsonString()}").Order(StringComparer.Ordinal));

    private Task<VirtualMachine> OnNetworkAsync() => OnNetworkAsync(_azure);

    private static async Task<VirtualMachine> OnNetworkAsync(TestAzure azure)
    {
        var networks = (INetworkProvider)azure.Provider;
        var corp = await networks.AddNetworkAsync(new VirtualNetwork { Name = "corp", Subnet = "10.20.0.0/24" }, azure, default);
        var machine = await azure.ImportAsync(azure.Image("web01.img", 24 * MiB, (1024, 64)), r => r with { Zone = "1" });
        await networks.JoinAsync(machine.Id, corp.Id, new JoinOptions { IPAddress = "10.20.0.9", PublicAddress = true }, azure, default);
        return await azure.Provider.StartAsync(machine.Id, new StartOptions(), azure, default);
    }

    private Task<FailoverReport> FailOverAsync(VirtualMachine machine, string to, TestAzure? azure = null) =>
        ((IFailoverProvider)(azure ?? _azure).Provider).FailOverAsync(machine.Id, new FailoverOptions { Kind = FailoverKind.Unplanned, TargetHost = to }, azure ?? _azure, default);
}
