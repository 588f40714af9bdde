namespace AzureIaaS.Sagas;

/// <summary>
/// A step of a saga: something to do and how to undo it. Both must be safe to repeat, since a process may die between the effect and the log.
/// A step that fails does not get its own undo: where a step can half-succeed, a step that does nothing but owns the undo precedes it.
/// </summary>
/// <typeparam name="T">What the steps work on.</typeparam>
/// <param name="Name">The step's name in the log and in progress; never changes once released.</param>
/// <param name="Do">The work.</param>
/// <param name="Undo">How to undo it; null where there is nothing to undo.</param>
public sealed record SagaStep<T>(string Name, Func<T, CancellationToken, Task> Do, Func<T, CancellationToken, Task>? Undo = null);

/// <summary>Steps of a particular kind.</summary>
public static class SagaStep
{
    /// <summary>A step that does nothing, and undoes what the steps after it may have half done.</summary>
    /// <typeparam name="T">What the steps work on.</typeparam>
    /// <param name="name">The step's name.</param>
    /// <param name="undo">How to undo.</param>
    public static SagaStep<T> OwningUndo<T>(string name, Func<T, CancellationToken, Task> undo) => new(name, (_, _) => Task.CompletedTask, undo);
}

/// <summary>Interruptible work: a named, versioned list of steps that is done in order or undone in reverse.</summary>
/// <typeparam name="T">What the steps work on.</typeparam>
/// <param name="Kind">The saga's name in the store.</param>
/// <param name="Version">Changed when steps are added, removed or renamed; an unfinished operation of another version is refused, not guessed at.</param>
/// <param name="Steps">The steps.</param>
public sealed record Saga<T>(string Kind, int Version, IReadOnlyList<SagaStep<T>> Steps)
{
    /// <summary>
    /// Whether there is no way back: what others rely on has been done. A step that fails from then on leaves the saga where it is, to be finished
    /// later, and asking for its undo finishes it. Null for a saga that can be undone at any time.
    /// </summary>
    public Func<T, bool>? IsPastUndo { get; init; }
}
