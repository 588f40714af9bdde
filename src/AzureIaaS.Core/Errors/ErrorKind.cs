namespace AzureIaaS;

/// <summary>What sort of failure an <see cref="IaaSException"/> is: something to branch on, and what the exit code and the error category are made from.</summary>
public enum ErrorKind
{
    /// <summary>A fault of this program itself.</summary>
    Internal,

    /// <summary>An argument is wrong by itself: out of range, or in conflict with another one.</summary>
    InvalidArgument,

    /// <summary>The named file, machine, operation or context does not exist.</summary>
    NotFound,

    /// <summary>The name is taken, or the thing exists already.</summary>
    AlreadyExists,

    /// <summary>The content of a file is damaged or not what it claims to be.</summary>
    InvalidData,

    /// <summary>It is recognised, and this version does not do it.</summary>
    NotSupported,

    /// <summary>The operating system or a safety rule refuses access.</summary>
    AccessDenied,

    /// <summary>Disk space, memory or capacity does not suffice.</summary>
    NoCapacity,

    /// <summary>Somebody else is working on it at this moment.</summary>
    Busy,

    /// <summary>It did not happen within the time allowed.</summary>
    Timeout,

    /// <summary>The state that the machine or operation is in does not allow it.</summary>
    InvalidState,

    /// <summary>A program that is needed is not on this machine.</summary>
    NotInstalled,

    /// <summary>A device, a process or the cloud failed while it worked.</summary>
    Failed,
}
