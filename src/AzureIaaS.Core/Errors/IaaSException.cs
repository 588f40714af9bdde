namespace AzureIaaS;

/// <summary>
/// The one family of expected failures. Its message says what was wrong and where; <see cref="Remedy"/> says what to do next.
/// Front ends turn it into an error record or an exit code; nothing else is shown to a user without being a fault of ours.
/// </summary>
public class IaaSException : Exception
{
    /// <summary>Makes an error that a user can act on.</summary>
    /// <param name="kind">What sort of failure it is.</param>
    /// <param name="errorId">A stable, unique word for it, such as <c>VmNotFound</c>.</param>
    /// <param name="message">What was wrong and where, in one sentence.</param>
    /// <param name="remedy">What to do next, in one sentence.</param>
    /// <param name="target">The path, name or id that the failure is about.</param>
    /// <param name="inner">What caused it.</param>
    public IaaSException(ErrorKind kind, string errorId, string message, string remedy, object? target = null, Exception? inner = null)
        : base(message, inner)
    {
        Kind = kind;
        ErrorId = errorId;
        Remedy = remedy;
        Target = target;
    }

    /// <summary>What sort of failure it is.</summary>
    public ErrorKind Kind { get; }

    /// <summary>A stable, unique word for the failure; the same in every version.</summary>
    public string ErrorId { get; }

    /// <summary>
    /// Whether the same work can go on from where it is once the cause has gone: no network, a busy service, a sign-in that has ended. An operation
    /// is then left as it is, to be resumed, instead of being undone.
    /// </summary>
    public bool IsPassing { get; init; }

    /// <summary>What to do next, in one sentence.</summary>
    public string Remedy { get; }

    /// <summary>The path, name or id that the failure is about; null where there is none.</summary>
    public object? Target { get; }
}
