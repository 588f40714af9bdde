using System.Management.Automation;

namespace AzureIaaS.PowerShell;

/// <summary>Turns failures into error records: id, category, target, and what to do.</summary>
internal static class ErrorRecords
{
    /// <summary>The record of a failure.</summary>
    /// <param name="exception">The failure.</param>
    /// <param name="target">What it is about, where the failure itself does not say.</param>
    public static ErrorRecord For(Exception exception, object? target)
    {
        if (exception is not IaaSException known)
        {
            var category = exception is IOException or UnauthorizedAccessException ? ErrorCategory.ReadError : ErrorCategory.NotSpecified;
            return new ErrorRecord(exception, exception.GetType().Name, category, target);
        }

        return new ErrorRecord(known, known.ErrorId, CategoryOf(known.Kind), known.Target ?? target)
        {
            ErrorDetails = new ErrorDetails(known.Message) { RecommendedAction = known.Remedy },
        };
    }

    private static ErrorCategory CategoryOf(ErrorKind kind) => kind switch
    {
        ErrorKind.InvalidArgument => ErrorCategory.InvalidArgument,
        ErrorKind.NotFound => ErrorCategory.ObjectNotFound,
        ErrorKind.AlreadyExists => ErrorCategory.ResourceExists,
        ErrorKind.InvalidData => ErrorCategory.InvalidData,
        ErrorKind.NotSupported => ErrorCategory.NotImplemented,
        ErrorKind.AccessDenied => ErrorCategory.PermissionDenied,
        ErrorKind.NoCapacity => ErrorCategory.LimitsExceeded,
        ErrorKind.Busy => ErrorCategory.ResourceBusy,
        ErrorKind.Timeout => ErrorCategory.OperationTimeout,
        ErrorKind.InvalidState => ErrorCategory.InvalidOperation,
        ErrorKind.NotInstalled => ErrorCategory.NotInstalled,
        ErrorKind.Failed => ErrorCategory.DeviceError,
        _ => ErrorCategory.NotSpecified,
    };
}
