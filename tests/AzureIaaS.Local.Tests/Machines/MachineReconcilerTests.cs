using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Processes;

namespace AzureIaaS.Local.Tests.Machines;

public class MachineReconcilerTests
{
    private static readonly ProcessIdentity Process = new(42, 7, "boot");

    [Fact]
    public void EveryNotedStateMeetsEveryFact()
    {
        foreach (var noted in Enum.GetValues<MachineState>())
        {
            foreach (var condition in Enum.GetValues<ProcessCondition>())
            {
                var truth = MachineReconciler.Reconcile(noted, null, new ProcessFact(condition, condition == ProcessCondition.None ? null : Process), 42, "/f");
                Assert.False(truth.Action != ProcessAction.None && condition == ProcessCondition.None);
                if (truth.State is MachineState.Failed or MachineState.Unknown or MachineState.Paused && condition != ProcessCondition.None)
                    Assert.NotNull(truth.Reason);
            }
        }
    }

    [Theory]
    [InlineData(MachineState.Running, MachineState.Healing)]
    [InlineData(MachineState.Paused, MachineState.Healing)]
    [InlineData(MachineState.Moving, MachineState.Healing)]
    [InlineData(MachineState.Starting, MachineState.Deallocated)]
    [InlineData(MachineState.Stopping, MachineState.Deallocated)]
    [InlineData(MachineState.Deallocated, MachineState.Deallocated)]
    [InlineData(MachineState.Stopped, MachineState.Stopped)]
    [InlineData(MachineState.Failed, MachineState.Failed)]
    public void WithoutAProcess(MachineState noted, MachineState truth) => Assert.Equal(truth, Of(noted, ProcessCondition.None).State);

    [Theory]
    [InlineData(MachineState.Running, MachineState.Stopped)]
    [InlineData(MachineState.Starting, MachineState.Stopped)]
    [InlineData(MachineState.Stopping, MachineState.Deallocated)]
    public void AGuestThatPoweredOff(MachineState noted, MachineState truth)
    {
        var result = Of(noted, ProcessCondition.PoweredOff);
        Assert.Equal((truth, ProcessAction.End), (result.State, result.Action));
    }

    [Fact]
    public void AStartThatWasCutOffBeforeTheGuestBeganIsTakenDown()
    {
        var result = Of(MachineState.Starting, ProcessCondition.Prelaunch);
        Assert.Equal((MachineState.Deallocated, ProcessAction.End), (result.State, result.Action));
    }

    [Fact]
    public void AStartThatWasCutOffAfterTheGuestBeganIsAStart() => Assert.Equal(MachineState.Running, Of(MachineState.Starting, ProcessCondition.Running).State);

    [Fact]
    public void AProcessThatDoesNotAnswerIsNotKilled()
    {
        var result = Of(MachineState.Running, ProcessCondition.NotAnswering);
        Assert.Equal((MachineState.Unknown, ProcessAction.None), (result.State, result.Action));
    }

    [Theory]
    [InlineData(MachineState.Starting)]
    [InlineData(MachineState.Moving)]
    public void AGuestThatWasHaltedToGoOnGoesOn(MachineState noted)
    {
        var result = Of(noted, ProcessCondition.Paused);
        Assert.Equal((MachineState.Running, ProcessAction.Continue), (result.State, result.Action));
    }

    private static Reconciled Of(MachineState noted, ProcessCondition condition) =>
        MachineReconciler.Reconcile(noted, null, new ProcessFact(condition, condition == ProcessCondition.None ? null : Process), 42, "/f");
}
