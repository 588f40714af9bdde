using AzureIaaS.Sagas;

namespace AzureIaaS.Local.Tests.Sagas;

/// <summary>What goes wrong with a step.</summary>
public enum Trouble
{
    /// <summary>It fails before it has done anything.</summary>
    FailsBefore,

    /// <summary>It has done all it does, and then fails.</summary>
    FailsAfter,

    /// <summary>It is done twice, as after a death between the effect and the log.</summary>
    DoneTwice,
}

/// <summary>Runs sagas in which one step, counted over all of them, goes wrong; every undo is done twice.</summary>
internal sealed class TroubledRunner(ISagaStore store, Trouble trouble, int index) : SagaRunner(store, TimeProvider.System)
{
    private int _next;

    /// <summary>The step that went wrong; null when there were fewer.</summary>
    public string? Fired { get; private set; }

    protected override async Task DoAsync<T>(SagaStep<T> step, T work, CancellationToken cancellation)
    {
        if (_next++ != index)
        {
            await base.DoAsync(step, work, cancellation);
            return;
        }

        Fired = step.Name;
        if (trouble != Trouble.FailsBefore)
            await base.DoAsync(step, work, cancellation);
        if (trouble != Trouble.DoneTwice)
            throw new IOException($"injected at '{step.Name}'");
        await base.DoAsync(step, work, cancellation);
    }

    protected override async Task UndoAsync<T>(SagaStep<T> step, T work)
    {
        await base.UndoAsync(step, work);
        await base.UndoAsync(step, work);
    }
}
