using AzureIaaS.Imports;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Sagas;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.Imports;

/// <summary>The three tests that every saga has to pass: fail at each step, repeat each step, die after each line of the log.</summary>
public class ImportSagaTests
{
    private static int StepCount => ImportSaga.Definition.Steps.Count;

    [Fact]
    public async Task FailingAtAnyStepLeavesNothing()
    {
        for (var failing = 0; failing < StepCount; failing++)
        {
            using var fabric = new TestFabric(HypervisorKind.Simulated);
            var (operation, work) = await BeginAsync(fabric);
            var saga = Change(failing, step => step with { Do = (_, _) => throw new IOException("injected") });
            await Assert.ThrowsAsync<IOException>(() => Runner(fabric).RunAsync(saga, operation, work, null, CancellationToken.None));
            await AssertNothingIsLeftAsync(fabric);
            await fabric.ImportAsync();
        }
    }

    [Fact]
    public async Task FailingAfterAnyStepsWorkLeavesNothing()
    {
        // The step's effect is there, and its success is not: what a step must leave to the undo of the step before it.
        for (var failing = 0; failing < StepCount - 1; failing++)
        {
            using var fabric = new TestFabric(HypervisorKind.Simulated);
            var (operation, work) = await BeginAsync(fabric);
            var saga = Change(failing, step => step with
            {
                Do = async (w, c) =>
                {
                    await step.Do(w, c);
                    throw new IOException("injected");
                },
            });
            await Assert.ThrowsAsync<IOException>(() => Runner(fabric).RunAsync(saga, operation, work, null, CancellationToken.None));
            await AssertNothingIsLeftAsync(fabric);
        }
    }

    [Fact]
    public async Task DoingAnyStepTwiceIsDoingItOnce()
    {
        for (var repeated = 0; repeated < StepCount; repeated++)
        {
            using var fabric = new TestFabric(HypervisorKind.Simulated);
            var (operation, work) = await BeginAsync(fabric);
            var saga = Change(repeated, step => step with
            {
                Do = async (w, c) =>
                {
                    await step.Do(w, c);
                    await step.Do(w, c);
                },
            });
            await Runner(fabric).RunAsync(saga, operation, work, null, CancellationToken.None);
            await AssertIsWholeAsync(fabric);
        }
    }

    [Fact]
    public async Task UndoingAnyStepTwiceIsUndoingItOnce()
    {
        for (var failing = 1; failing < StepCount; failing++)
        {
            using var fabric = new TestFabric(HypervisorKind.Simulated);
            var (operation, work) = await BeginAsync(fabric);
            var steps = ImportSaga.Definition.Steps.Select(step => step with
            {
                Undo = step.Undo is not { } undo ? null : async (w, c) =>
                {
                    await undo(w, c);
                    await undo(w, c);
                },
            }).ToList();
            steps[failing] = steps[failing] with { Do = (_, _) => throw new IOException("injected") };
            await Assert.ThrowsAsync<IOException>(
                () => Runner(fabric).RunAsync(ImportSaga.Definition with { Steps = steps }, operation, work, null, CancellationToken.None));
            await AssertNothingIsLeftAsync(fabric);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task DyingAfterAnyLineOfTheLogIsResumedOrUndone(bool resume)
    {
        for (var lines = 0; lines <= 2 * StepCount; lines++)
        {
            using var fabric = new TestFabric(HypervisorKind.Simulated);
            var (operation, work) = await BeginAsync(fabric);
            var mortal = new MortalSagaStore(fabric.Session.Store.Sagas, lines);
            await Assert.ThrowsAsync<Died>(() => new SagaRunner(mortal, TimeProvider.System).RunAsync(ImportSaga.Definition, operation, work, null, CancellationToken.None));
            var published = !fabric.Session.Store.Sagas.Find(operation)!.IsOpen;
            Assert.Equal(published, (await fabric.Session.ListAsync(CancellationToken.None)).Count == 1);
            if (published)
            {
                Assert.Equal("OperationHasEnded", (await Assert.ThrowsAsync<IaaSException>(() => fabric.Session.UndoOperationAsync(operation, fabric.Notices))).ErrorId);
                await AssertIsWholeAsync(fabric);
            }
            else if (resume)
            {
                await fabric.Session.ResumeOperationAsync(operation, fabric.Notices, CancellationToken.None);
                await AssertIsWholeAsync(fabric);
            }
            else
            {
                await fabric.Session.UndoOperationAsync(operation, fabric.Notices);
                await AssertNothingIsLeftAsync(fabric);
            }
        }
    }

    private static SagaRunner Runner(TestFabric fabric) => new(fabric.Session.Store.Sagas, TimeProvider.System);

    private static Saga<ImportWork> Change(int index, Func<SagaStep<ImportWork>, SagaStep<ImportWork>> change)
    {
        var steps = ImportSaga.Definition.Steps.ToList();
        steps[index] = change(steps[index]);
        return ImportSaga.Definition with { Steps = steps };
    }

    private static async Task<(Guid Operation, ImportWork Work)> BeginAsync(TestFabric fabric)
    {
        var (operation, plan) = await fabric.Session.Imports.PlanAsync(new ImportRequest { Path = fabric.Guest(), Memory = 32 << 20 }, CancellationToken.None);
        var json = System.Text.Json.JsonSerializer.Serialize(plan, CoreJson.Default.ImportPlan);
        fabric.Session.Store.Sagas.Create(
            new SagaRecord(operation, "Import", ImportSaga.Definition.Version, plan.Machine.Name, plan.Machine.Origin!.Path, json, DateTimeOffset.UnixEpoch), reserveName: true);
        return (operation, new ImportWork(plan, operation, fabric.Provider, fabric.Session.Store.Machines, fabric.Notices, Resume: false));
    }

    private static async Task AssertNothingIsLeftAsync(TestFabric fabric)
    {
        Assert.Empty(await fabric.Session.ListAsync(CancellationToken.None));
        Assert.Empty(fabric.Session.ListOperations(includeEnded: false));
        Assert.Null(fabric.Session.Store.Sagas.FindReserving("guest"));
        Assert.Empty(TestFabric.Entries(fabric.Layout.Imports));
        Assert.Empty(TestFabric.Entries(fabric.Layout.Machines));
    }

    private static async Task AssertIsWholeAsync(TestFabric fabric)
    {
        var machine = Assert.Single(await fabric.Session.ListAsync(CancellationToken.None));
        Assert.Equal(MachineState.Deallocated, machine.State);
        Assert.Equal(await File.ReadAllBytesAsync(fabric.Guest()), await File.ReadAllBytesAsync(machine.Disks[0].Path));
        Assert.Empty(fabric.Session.ListOperations(includeEnded: false));
        Assert.Empty(TestFabric.Entries(fabric.Layout.Imports));
        Assert.Equal(["disk0.digests", "disk0.raw"], Directory.EnumerateFiles(fabric.Layout.Machine(machine.Id).Folder).Select(f => Path.GetFileName(f)!).Order());
    }
}
