namespace AzureIaaS.Sagas;

/// <summary>Makes what is shown of an operation from its log alone, whatever saga it belongs to.</summary>
public static class OperationDescription
{
    /// <summary>Describes an operation.</summary>
    /// <param name="record">The operation.</param>
    /// <param name="events">Its log.</param>
    /// <param name="isRunning">Whether a process is working on it.</param>
    /// <param name="context">The name of the context.</param>
    public static Operation Of(SagaRecord record, IReadOnlyList<SagaEvent> events, bool isRunning, string context)
    {
        var last = events.Count > 0 ? events[^1] : null;
        var unwinds = events.Any(e => e.Kind is SagaEventKind.Failed or SagaEventKind.Abandoned);
        return new Operation
        {
            Id = record.Id,
            Kind = record.Kind,
            VmName = record.VmName,
            Source = record.Source,
            Created = record.Created,
            Updated = last?.Time ?? record.Created,
            Error = events.LastOrDefault(e => e.Detail is not null)?.Detail,
            Step = record.IsOpen ? events.LastOrDefault(e => e.Step.Length > 0)?.Step : null,
            Context = context,
            State = !record.IsOpen ? (unwinds ? OperationState.Undone : OperationState.Completed)
                : isRunning ? OperationState.Running
                : unwinds ? OperationState.UndoInterrupted : OperationState.Interrupted,
        };
    }
}
