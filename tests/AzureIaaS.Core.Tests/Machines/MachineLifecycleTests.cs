namespace AzureIaaS.Tests.Machines;

public class MachineLifecycleTests
{
    public static TheoryData<MachineState, MachineRequest> Everything()
    {
        var data = new TheoryData<MachineState, MachineRequest>();
        foreach (var state in Enum.GetValues<MachineState>())
        {
            foreach (var request in Enum.GetValues<MachineRequest>())
                data.Add(state, request);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Everything))]
    public void EveryRequestInEveryStateHasAnAnswerThatSaysWhy(MachineState state, MachineRequest request)
    {
        var decision = MachineLifecycle.Decide(state, request);
        if (decision.Verdict != Verdict.Do)
            Assert.NotEmpty(decision.Reason);
        if (decision.Verdict == Verdict.Deny)
            Assert.NotEmpty(decision.Remedy);
    }

    [Theory]
    [InlineData(MachineState.Deallocated, Verdict.Do)]
    [InlineData(MachineState.Stopped, Verdict.Do)]
    [InlineData(MachineState.Failed, Verdict.Do)]
    [InlineData(MachineState.Running, Verdict.Ignore)]
    [InlineData(MachineState.Starting, Verdict.Deny)]
    [InlineData(MachineState.Unknown, Verdict.Deny)]
    [InlineData(MachineState.Paused, Verdict.Deny)]
    public void Start(MachineState state, Verdict expected) => Assert.Equal(expected, MachineLifecycle.Decide(state, MachineRequest.Start).Verdict);

    [Theory]
    [InlineData(MachineState.Running, Verdict.Do)]
    [InlineData(MachineState.Stopped, Verdict.Do)]
    [InlineData(MachineState.Deallocated, Verdict.Ignore)]
    [InlineData(MachineState.Failed, Verdict.Ignore)]
    [InlineData(MachineState.Paused, Verdict.Deny)]
    public void Stop(MachineState state, Verdict expected) => Assert.Equal(expected, MachineLifecycle.Decide(state, MachineRequest.Stop).Verdict);

    [Fact]
    public void ThePlugCanBePulledInAnyStateButDeallocated()
    {
        foreach (var state in Enum.GetValues<MachineState>())
            Assert.Equal(state == MachineState.Deallocated ? Verdict.Ignore : Verdict.Do, MachineLifecycle.Decide(state, MachineRequest.ForceStop).Verdict);
    }

    [Fact]
    public void NothingThatMayHaveAProcessIsRemoved()
    {
        foreach (var state in Enum.GetValues<MachineState>().Where(s => s.IsActive()))
            Assert.Equal(Verdict.Deny, MachineLifecycle.Decide(state, MachineRequest.Remove).Verdict);
    }
}
