namespace AzureIaaS.Cli;

/// <summary>The exit code of each kind of failure; the root's help lists them.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Other = 1;
    public const int WrongArguments = 2;
    public const int Interrupted = 130;

    public static int Of(ErrorKind kind) => kind switch
    {
        ErrorKind.InvalidArgument => WrongArguments,
        ErrorKind.NotFound => 3,
        ErrorKind.AlreadyExists => 4,
        ErrorKind.InvalidData => 5,
        ErrorKind.NotSupported => 6,
        ErrorKind.AccessDenied => 7,
        ErrorKind.NoCapacity => 8,
        ErrorKind.Busy => 9,
        ErrorKind.Timeout => 10,
        ErrorKind.InvalidState => 11,
        ErrorKind.NotInstalled => 12,
        _ => Other,
    };
}
