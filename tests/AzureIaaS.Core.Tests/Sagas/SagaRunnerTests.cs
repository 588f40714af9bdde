using AzureIaaS.Sagas;

namespace AzureIaaS.Tests.Sagas;

public class SagaRunnerTests
{
    private readonly MemorySagaStore _store = new();
    private readonly SagaRunner _runner;
    private readonly Guid _operation = Guid.NewGuid();

    public SagaRunnerTests()
    {
        _runner = new SagaRunner(_store, TimeProvider.System);
        _store.Create(new SagaRecord(_operation, "Test", 1, "vm", "source", "{}", DateTimeOffset.UnixEpoch), reserveName: false);
    }

    /// <summary>Three things that can be there or not; each step makes one, each undo removes it.</summary>
    private static Saga<World> ThreeThings() => new("Test", 1,
    [
        new("one", (w, _) => w.Do(1), (w, _) => w.Undo(1)),
        new("two", (w, _) => w.Do(2), (w, _) => w.Undo(2)),
        new("three", (w, _) => w.Do(3), (w, _) => w.Undo(3)),
    ]);

    [Fact]
    public async Task RunsAllStepsInOrder()
    {
        var world = new World();
        await _runner.RunAsync(ThreeThings(), _operation, world, null, CancellationToken.None);
        Assert.Equal([1, 2, 3], world.Things);
        Assert.False(_store.Find(_operation)!.IsOpen);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task AFailedStepUndoesAllBeforeItAndTellsItsOwnFailure(int failing)
    {
        var world = new World { FailsAt = failing };
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(
            () => _runner.RunAsync(ThreeThings(), _operation, world, null, CancellationToken.None));
        Assert.Equal($"step {failing} failed", failure.Message);
        Assert.Empty(world.Things);
        Assert.DoesNotContain(failing, world.Undone);
        Assert.False(_store.Find(_operation)!.IsOpen);
    }

    [Fact]
    public async Task ResumingAfterTheProcessDiedAtAnyEventEndsTheWork()
    {
        for (var eventsBeforeDeath = 1; eventsBeforeDeath <= 6; eventsBeforeDeath++)
        {
            var (store, operation, world) = await DieAsync(eventsBeforeDeath, failsAt: null);
            await new SagaRunner(store, TimeProvider.System).RunAsync(ThreeThings(), operation, world, null, CancellationToken.None);
            Assert.Equal([1, 2, 3], world.Things);
        }
    }

    [Fact]
    public async Task UndoingAfterTheProcessDiedAtAnyEventLeavesNothing()
    {
        for (var eventsBeforeDeath = 1; eventsBeforeDeath <= 5; eventsBeforeDeath++)
        {
            var (store, operation, world) = await DieAsync(eventsBeforeDeath, failsAt: null);
            await new SagaRunner(store, TimeProvider.System).UndoAsync(ThreeThings(), operation, world, null);
            Assert.Empty(world.Things);
            Assert.False(store.Find(operation)!.IsOpen);
        }
    }

    [Fact]
    public async Task AnUnwindingThatWasCutOffIsFinished()
    {
        // Started, succeeded, started, succeeded, started, failed, and then two events for each of the two undos.
        for (var eventsBeforeDeath = 6; eventsBeforeDeath <= 9; eventsBeforeDeath++)
        {
            var (store, operation, world) = await DieAsync(eventsBeforeDeath, failsAt: 3);
            await new SagaRunner(store, TimeProvider.System).UndoAsync(ThreeThings(), operation, world, null);
            Assert.Empty(world.Things);
        }
    }

    [Fact]
    public async Task ACancelledSagaStaysWhereItIs()
    {
        using var stop = new CancellationTokenSource();
        var world = new World();
        var saga = new Saga<World>("Test", 1,
        [
            new("one", (w, _) => w.Do(1), (w, _) => w.Undo(1)),
            new("two", async (w, c) =>
            {
                await stop.CancelAsync();
                c.ThrowIfCancellationRequested();
            }),
        ]);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _runner.RunAsync(saga, _operation, world, null, stop.Token));
        Assert.Equal([1], world.Things);
        Assert.True(_store.Find(_operation)!.IsOpen);
        var log = _runner.Replay(saga, _operation);
        Assert.Equal((SagaPhase.Forward, 1), (log.Phase, log.Position));
    }

    [Fact]
    public async Task AFailedUndoKeepsTheOperationOpenAndCanBeRepeated()
    {
        var world = new World { FailsAt = 3, UndoFailsAt = 1 };
        var failure = await Assert.ThrowsAsync<IaaSException>(() => _runner.RunAsync(ThreeThings(), _operation, world, null, CancellationToken.None));
        Assert.Equal("UndoFailed", failure.ErrorId);
        Assert.True(_store.Find(_operation)!.IsOpen);
        world.UndoFailsAt = null;
        await _runner.UndoAsync(ThreeThings(), _operation, world, null);
        Assert.Empty(world.Things);
        Assert.False(_store.Find(_operation)!.IsOpen);
    }

    [Fact]
    public async Task AnOperationOfAnotherVersionIsRefused()
    {
        var failure = await Assert.ThrowsAsync<IaaSException>(
            () => _runner.RunAsync(ThreeThings() with { Version = 2 }, _operation, new World(), null, CancellationToken.None));
        Assert.Equal("OperationOfOtherVersion", failure.ErrorId);
    }

    private static async Task<(MemorySagaStore Store, Guid Operation, World World)> DieAsync(int events, int? failsAt)
    {
        var store = new MemorySagaStore { DiesAfter = events };
        var operation = Guid.NewGuid();
        store.Create(new SagaRecord(operation, "Test", 1, "vm", "source", "{}", DateTimeOffset.UnixEpoch), reserveName: false);
        var world = new World { FailsAt = failsAt };
        await Assert.ThrowsAsync<ProcessDied>(() => new SagaRunner(store, TimeProvider.System).RunAsync(ThreeThings(), operation, world, null, CancellationToken.None));
        store.DiesAfter = null;
        world.FailsAt = null;
        return (store, operation, world);
    }

    /// <summary>What steps act upon. Doing and undoing are safe to repeat, as a step's must be.</summary>
    private sealed class World
    {
        public SortedSet<int> Things { get; } = [];

        public List<int> Undone { get; } = [];

        public int? FailsAt { get; set; }

        public int? UndoFailsAt { get; set; }

        public Task Do(int thing)
        {
            if (thing == FailsAt)
                throw new InvalidOperationException($"step {thing} failed");
            Things.Add(thing);
            return Task.CompletedTask;
        }

        public Task Undo(int thing)
        {
            if (thing == UndoFailsAt)
                throw new InvalidOperationException($"undo {thing} failed");
            Undone.Add(thing);
            Things.Remove(thing);
            return Task.CompletedTask;
        }
    }
}
