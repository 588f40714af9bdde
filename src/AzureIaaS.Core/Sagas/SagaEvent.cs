using System.Text.Json.Serialization;

namespace AzureIaaS.Sagas;

/// <summary>What happened to a step.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SagaEventKind>))]
public enum SagaEventKind
{
    /// <summary>The step's work began; it may or may not have had an effect.</summary>
    Started,

    /// <summary>The step's work is done.</summary>
    Succeeded,

    /// <summary>The step's work failed; from here on the saga unwinds, and this step is not undone.</summary>
    Failed,

    /// <summary>Somebody asked for the saga to be undone; from here on it unwinds.</summary>
    Abandoned,

    /// <summary>Undoing the step began.</summary>
    UndoStarted,

    /// <summary>The step is undone.</summary>
    Undone,

    /// <summary>Undoing the step failed; it can be tried again.</summary>
    UndoFailed,
}

/// <summary>One line of a saga's log.</summary>
/// <param name="Sequence">Its number in the log, from 0.</param>
/// <param name="Step">The step's name.</param>
/// <param name="Kind">What happened to the step.</param>
/// <param name="Time">When.</param>
/// <param name="Detail">The message of a failure; null otherwise.</param>
public sealed record SagaEvent(int Sequence, string Step, SagaEventKind Kind, DateTimeOffset Time, string? Detail);
