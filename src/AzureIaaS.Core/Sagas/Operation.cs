using System.Text.Json.Serialization;

namespace AzureIaaS;

/// <summary>The state of an operation.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OperationState>))]
public enum OperationState
{
    /// <summary>A process is working on it at this moment.</summary>
    Running,

    /// <summary>It was cut off: it can be resumed, or undone.</summary>
    Interrupted,

    /// <summary>Undoing it was cut off or failed; undoing it again ends it.</summary>
    UndoInterrupted,

    /// <summary>It is done.</summary>
    Completed,

    /// <summary>It failed or was given up, and everything it had done is undone.</summary>
    Undone,

    /// <summary>An import that is copied in passes: it waits for the next, or to be completed.</summary>
    Staged,
}

/// <summary>Long work that can be cut off and resumed, as it is shown: an import, later a failover or an upload.</summary>
public sealed class Operation
{
    /// <summary>The operation's identity.</summary>
    public Guid Id { get; set; }

    /// <summary>What it does: <c>Import</c>.</summary>
    public string Kind { get; set; } = "";

    /// <summary>The name of the machine it is about.</summary>
    public string VmName { get; set; } = "";

    /// <summary>What it works from: the path of the image.</summary>
    public string Source { get; set; } = "";

    /// <summary>Where it stands.</summary>
    public OperationState State { get; set; }

    /// <summary>The step to do or undo next; null when it has ended.</summary>
    public string? Step { get; set; }

    /// <summary>Why it failed; null when it did not.</summary>
    public string? Error { get; set; }

    /// <summary>When it was begun.</summary>
    public DateTimeOffset Created { get; set; }

    /// <summary>When it last took a step.</summary>
    public DateTimeOffset Updated { get; set; }

    /// <summary>The name of the context it belongs to.</summary>
    public string Context { get; set; } = "";

    /// <summary>The operation's kind and machine.</summary>
    public override string ToString() => $"{Kind} {VmName}";
}
