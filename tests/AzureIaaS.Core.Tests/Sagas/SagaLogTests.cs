using AzureIaaS.Sagas;

namespace AzureIaaS.Tests.Sagas;

public class SagaLogTests
{
    private static readonly string[] Steps = ["a", "b"];

    [Fact]
    public void OnlyTheNextStepMayStart() => Refuses([], E(0, "b", SagaEventKind.Started));

    [Fact]
    public void NothingSucceedsThatHasNotStarted() => Refuses([], E(0, "a", SagaEventKind.Succeeded));

    [Fact]
    public void AStepThatWasUnderWayMayStartAgain()
    {
        var log = new SagaLog(Steps, [E(0, "a", SagaEventKind.Started), E(1, "a", SagaEventKind.Started), E(2, "a", SagaEventKind.Succeeded)]);
        Assert.Equal((SagaPhase.Forward, 1), (log.Phase, log.Position));
    }

    [Fact]
    public void NothingComesAfterTheEnd() => Refuses(
        [E(0, "a", SagaEventKind.Started), E(1, "a", SagaEventKind.Succeeded), E(2, "b", SagaEventKind.Started), E(3, "b", SagaEventKind.Succeeded)],
        E(4, "b", SagaEventKind.Started));

    [Fact]
    public void AFailureUnwindsFromTheStepBefore()
    {
        var log = new SagaLog(Steps, [
            E(0, "a", SagaEventKind.Started), E(1, "a", SagaEventKind.Succeeded), E(2, "b", SagaEventKind.Started), E(3, "b", SagaEventKind.Failed, "why"),
        ]);
        Assert.Equal((SagaPhase.Unwinding, 0, "why"), (log.Phase, log.Position, log.Failure));
    }

    [Fact]
    public void GivingUpUndoesTheStepThatWasUnderWayToo()
    {
        var log = new SagaLog(Steps, [E(0, "a", SagaEventKind.Started), E(1, "", SagaEventKind.Abandoned)]);
        Assert.Equal((SagaPhase.Unwinding, 0), (log.Phase, log.Position));
    }

    [Fact]
    public void GivingUpBeforeAnythingBeganLeavesNothingToUndo() =>
        Assert.Equal(SagaPhase.Undone, new SagaLog(Steps, [E(0, "", SagaEventKind.Abandoned)]).Phase);

    [Fact]
    public void AMissingLineIsDamage() => Refuses([E(0, "a", SagaEventKind.Started)], E(2, "a", SagaEventKind.Succeeded));

    [Fact]
    public void AStepOfAnotherVersionIsDamage() => Refuses([], E(0, "other", SagaEventKind.Started));

    private static SagaEvent E(int sequence, string step, SagaEventKind kind, string? detail = null) => new(sequence, step, kind, DateTimeOffset.UnixEpoch, detail);

    private static void Refuses(SagaEvent[] before, SagaEvent e)
    {
        var log = new SagaLog(Steps, before);
        Assert.Equal("SagaLogIllegal", Assert.Throws<IaaSException>(() => log.Append(e)).ErrorId);
    }
}
