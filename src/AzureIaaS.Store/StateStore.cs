using AzureIaaS.Failover;
using AzureIaaS.Networks;
using AzureIaaS.Providers;
using AzureIaaS.Sagas;

namespace AzureIaaS.Store;

/// <summary>Opens the state of a context: a database and a folder of locks.</summary>
public sealed class StoreAdapter : IStoreAdapter
{
    /// <summary>The name of the database in its folder.</summary>
    public const string DatabaseName = "fabric.db";

    /// <summary>The name of the folder of locks.</summary>
    public const string LockFolderName = "locks";

    /// <inheritdoc/>
    public IStateStore Open(string folder, bool durable)
    {
        try
        {
            // Private from the first moment: whoever can read a machine's disk knows all its secrets.
            if (OperatingSystem.IsWindows())
                Directory.CreateDirectory(Path.Combine(folder, LockFolderName));
            else
                CreatePrivate(folder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IaaSException(ErrorKind.AccessDenied, "StateNotWritable", $"{folder}: the folder cannot be made or written ({e.Message}).",
                "Make it writable for this user, or connect to another fabric with Connect-IaaS -Local -Path.", folder, e);
        }

        return new StateStore(folder, durable);
    }

    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    private static void CreatePrivate(string folder)
    {
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        Directory.CreateDirectory(folder, Private);
        Directory.CreateDirectory(Path.Combine(folder, LockFolderName), Private);
        var database = Path.Combine(folder, DatabaseName);
        if (!File.Exists(database))
        {
            // SQLite gives its own files the mode of this one.
            using var file = new FileStream(database, new FileStreamOptions
            {
                Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.ReadWrite, UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            });
        }
    }

    private sealed class StateStore(string folder, bool durable) : IStateStore
    {
        private readonly StateDatabase _database = new(Path.Combine(folder, DatabaseName), durable);
        private MachineStore? _machines;
        private HostStore? _hosts;
        private NetworkStore? _networks;
        private SiteStore? _sites;
        private FailoverReportStore? _reports;
        private SagaStore? _sagas;

        public IMachineStore Machines => _machines ??= new MachineStore(_database);

        public IHostStore Hosts => _hosts ??= new HostStore(_database);

        public INetworkStore Networks => _networks ??= new NetworkStore(_database);

        public ISiteStore Sites => _sites ??= new SiteStore(_database);

        public IFailoverReportStore Reports => _reports ??= new FailoverReportStore(_database);

        public ISagaStore Sagas => _sagas ??= new SagaStore(_database);

        public long Version => _database.Version;

        public ILockStore Locks { get; } = new FileLocks(Path.Combine(folder, LockFolderName));

        public void Dispose() => _database.Dispose();
    }
}
