using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Sagas;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.Sagas;

/// <summary>
/// The three tests that every saga has to pass: fail at each step, repeat each step, die after each line of the log. On simulated machines all of
/// them; with real ones a sample, of which soak takes all.
/// </summary>
public class MachineSagaTests
{
    /// <summary>Steps that fail when there may be no way back any more.</summary>
    private static readonly string[] PastUndo = ["note", "go on", "end", "forget", "merge", "clean"];

    public static TheoryData<string, Trouble> Troubles()
    {
        var data = new TheoryData<string, Trouble>();
        foreach (var trial in SagaTrial.All)
        {
            foreach (var trouble in Enum.GetValues<Trouble>())
                data.Add(trial.Name, trouble);
        }

        return data;
    }

    public static TheoryData<string> Trials() => [.. SagaTrial.All.Select(t => t.Name)];

    [Theory]
    [MemberData(nameof(Troubles))]
    public async Task AnyStepThatGoesWrongLeavesTheMachineWhole(string name, Trouble trouble)
    {
        for (var index = 0; await TroubleAsync(HypervisorKind.Simulated, Trial(name), trouble, index); index++)
        {
        }
    }

    [Theory]
    [MemberData(nameof(Trials))]
    public async Task DyingAfterAnyLineOfTheLogLeavesTheMachineWhole(string name)
    {
        for (var lines = 0; await DieAsync(HypervisorKind.Simulated, Trial(name), lines); lines++)
        {
        }
    }

    [SkippableTheory]
    [InlineData("checkpoint, with memory", 0)]
    [InlineData("remove, running", 1)]
    [InlineData("suspend", 2)]
    [InlineData("move", 0)]
    [InlineData("rehearsal, running", 1)]
    public async Task DyingWithRealMachines(string name, int from)
    {
        var every = Soak.Factor > 1 ? 1 : 4;
        for (var lines = Soak.Factor > 1 ? 0 : from + 1; await DieAsync(HypervisorKind.Qemu, Trial(name), lines); lines += every)
        {
        }
    }

    [SkippableTheory]
    [InlineData("checkpoint, with memory", Trouble.FailsAfter, 1)]
    [InlineData("suspend", Trouble.FailsAfter, 0)]
    [InlineData("move", Trouble.FailsAfter, 2)]
    [InlineData("move", Trouble.DoneTwice, 1)]
    public async Task TroubleWithRealMachines(string name, Trouble trouble, int from)
    {
        var every = Soak.Factor > 1 ? 1 : 3;
        for (var index = Soak.Factor > 1 ? 0 : from; await TroubleAsync(HypervisorKind.Qemu, Trial(name), trouble, index); index += every)
        {
        }
    }

    private static SagaTrial Trial(string name) => SagaTrial.All.Single(t => t.Name == name);

    /// <returns>Whether there was such a step.</returns>
    private static async Task<bool> TroubleAsync(HypervisorKind hypervisor, SagaTrial trial, Trouble trouble, int index)
    {
        using var fabric = new TestFabric(hypervisor);
        var machine = await trial.PrepareAsync(fabric);
        using var session = fabric.Open();
        var runner = new TroubledRunner(session.Store.Sagas, trouble, index);
        ((LocalProvider)session.Provider).Services.Sagas = runner;
        var thrown = await TryAsync(trial, session, machine, fabric.Notices);
        if (runner.Fired is null)
        {
            Assert.True(index > 1, "no step was met");
            return false;
        }

        var when = $"{trial.Name}: {trouble} '{runner.Fired}'";
        if (trouble == Trouble.DoneTwice)
        {
            Assert.True(thrown is null, $"{when}: {thrown}");
            await trial.AssertWholeAsync(fabric, machine, done: true, when);
            return true;
        }

        // A failed report is how a rehearsal says so.
        Assert.True(thrown is not null || trial.Name.StartsWith("rehearsal", StringComparison.Ordinal), $"{when}: nobody was told");
        await trial.AssertWholeAsync(fabric, machine, done: PastUndo.Contains(runner.Fired) ? null : false, when);
        return true;
    }

    /// <returns>Whether the log had so many lines.</returns>
    private static async Task<bool> DieAsync(HypervisorKind hypervisor, SagaTrial trial, int lines)
    {
        using var fabric = new TestFabric(hypervisor);
        var machine = await trial.PrepareAsync(fabric);
        var session = fabric.Open();
        var mortal = new MortalSagaStore(session.Store.Sagas, lines);
        ((LocalProvider)session.Provider).Services.Sagas = new SagaRunner(mortal, TimeProvider.System);
        var thrown = await TryAsync(trial, session, machine, fabric.Notices);
        session.Dispose();
        Assert.True(mortal.IsDead ? thrown is not null : thrown is null, $"{trial.Name}, {lines} lines: {thrown}");
        await trial.AssertWholeAsync(fabric, machine, done: mortal.IsDead ? null : true, $"{trial.Name}: dead after {lines} lines");
        return mortal.IsDead;
    }

    private static async Task<Exception?> TryAsync(SagaTrial trial, IaaSSession session, VirtualMachine machine, IProgress<Providers.Notice> notices)
    {
        try
        {
            await trial.Act(session.Provider, machine, notices);
            return null;
        }
        catch (Exception e)
        {
            return e;
        }
    }
}
