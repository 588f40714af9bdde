using AzureIaaS.Local.Hypervisors;
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
                Assert.False(truth.EndProcess && condition == ProcessCondition.None);
                if (truth.State is MachineState.Failed or MachineState.Unknown or MachineState.Paused && condition != ProcessCondition.None)
                    Assert.NotNull(truth.Reason);
            }
        }
    }

    [Theory]
    [InlineData(MachineState.Running, MachineState.Failed)]
    [InlineData(MachineState.Paused, MachineState.Failed)]
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
        Assert.Equal((truth, true), (result.State, result.EndProcess));
    }

    [Fact]
    public void AStartThatWasCutOffBeforeTheGuestBeganIsTakenDown()
    {
        var result = Of(MachineState.Starting, ProcessCondition.Prelaunch);
        Assert.Equal((MachineState.Deallocated, true), (result.State, result.EndProcess));
    }

    [Fact]
    public void AStartThatWasCutOffAfterTheGuestBeganIsAStart() => Assert.Equal(MachineState.Running, Of(MachineState.Starting, ProcessCondition.Running).State);

    [Fact]
    public void AProcessThatDoesNotAnswerIsNotKilled()
    {
        var result = Of(MachineState.Running, ProcessCondition.NotAnswering);
        Assert.Equal((MachineState.Unknown, false), (result.State, result.EndProcess));
    }

    private static Reconciled Of(MachineState noted, ProcessCondition condition) =>
        MachineReconciler.Reconcile(noted, null, new ProcessFact(condition, condition == ProcessCondition.None ? null : Process), 42, "/f");
}
