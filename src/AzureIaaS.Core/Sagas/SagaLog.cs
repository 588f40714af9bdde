namespace AzureIaaS.Sagas;

/// <summary>Where a saga stands.</summary>
public enum SagaPhase
{
    /// <summary>It goes forward: the next step is to be done.</summary>
    Forward,

    /// <summary>It unwinds: the next step is to be undone.</summary>
    Unwinding,

    /// <summary>All steps are done.</summary>
    Done,

    /// <summary>All that was done is undone.</summary>
    Undone,
}

/// <summary>
/// The state of a saga, which is nothing but its log replayed. One table says which event may follow which; every other order is refused,
/// so a log that was damaged or written by another version stops the saga instead of misleading it.
/// </summary>
public sealed class SagaLog
{
    private readonly IReadOnlyList<string> _steps;
    private readonly List<SagaEvent> _events = [];
    private bool _underway;

    /// <summary>Replays a log.</summary>
    /// <param name="steps">The names of the saga's steps in order.</param>
    /// <param name="events">The events so far.</param>
    /// <exception cref="IaaSException">The events are not a legal log of these steps.</exception>
    public SagaLog(IReadOnlyList<string> steps, IEnumerable<SagaEvent> events)
    {
        _steps = steps;
        foreach (var e in events)
            Append(e);
    }

    /// <summary>The events so far, in order.</summary>
    public IReadOnlyList<SagaEvent> Events => _events;

    /// <summary>Where the saga stands.</summary>
    public SagaPhase Phase { get; private set; }

    /// <summary>The index of the step to do or undo next.</summary>
    public int Position { get; private set; }

    /// <summary>The message of the failure because of which it unwinds; null when there was none.</summary>
    public string? Failure { get; private set; }

    /// <summary>Adds an event.</summary>
    /// <param name="e">The event.</param>
    /// <exception cref="IaaSException">It may not come now.</exception>
    public void Append(SagaEvent e)
    {
        if (!IsLegal(e))
        {
            throw new IaaSException(ErrorKind.InvalidData, "SagaLogIllegal",
                $"The operation's log has '{e.Kind}' of step '{e.Step}' at line {e.Sequence}, which cannot come there.",
                "It was written by another version or is damaged. Use that version to finish it, or restore the state database from a backup.");
        }

        _events.Add(e);
        Apply(e);
    }

    private bool IsLegal(SagaEvent e)
    {
        if (e.Sequence != _events.Count || Phase is SagaPhase.Done or SagaPhase.Undone)
            return false;
        if (e.Kind == SagaEventKind.Abandoned)
            return Phase == SagaPhase.Forward;
        if (Position < 0 || Position >= _steps.Count || _steps[Position] != e.Step)
            return false;
        return (Phase, e.Kind) switch
        {
            // A step that was under way when its process died is begun again: hence twice in a row is legal.
            (SagaPhase.Forward, SagaEventKind.Started) => true,
            (SagaPhase.Forward, SagaEventKind.Succeeded or SagaEventKind.Failed) => _underway,
            (SagaPhase.Unwinding, SagaEventKind.UndoStarted) => true,
            (SagaPhase.Unwinding, SagaEventKind.Undone or SagaEventKind.UndoFailed) => _underway,
            _ => false,
        };
    }

    private void Apply(SagaEvent e)
    {
        var wasUnderway = _underway;
        _underway = e.Kind is SagaEventKind.Started or SagaEventKind.UndoStarted;
        switch (e.Kind)
        {
            case SagaEventKind.Succeeded:
                Position++;
                if (Position == _steps.Count)
                    Phase = SagaPhase.Done;
                break;
            case SagaEventKind.Failed:
                Failure = e.Detail;
                Unwind(Position - 1);
                break;
            case SagaEventKind.Abandoned:
                // What had started may have had an effect, and its own undo is safe to run.
                Unwind(wasUnderway ? Position : Position - 1);
                break;
            case SagaEventKind.Undone:
                Unwind(Position - 1);
                break;
        }
    }

    private void Unwind(int from)
    {
        Position = from;
        Phase = from < 0 ? SagaPhase.Undone : SagaPhase.Unwinding;
    }
}
