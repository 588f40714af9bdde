using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace AzureIaaS.Store;

/// <summary>
/// The database file of a context, <c>fabric.db</c>: write-ahead logging, so that readers and a writer do not wait for each other, and every
/// commit synchronised to the disk, so that what a command has reported is still true after the power fails. On a full disk, where SQLite has
/// no room for its shared memory, it is open for reading only until there is room again: whoever looks for the cause must see the machines.
/// Before that, a reserve is given up: what went wrong must be written down, and what an import has left be removed.
/// </summary>
internal sealed class StateDatabase : IDisposable
{
    private const string DiskFull = "StateDiskFull";
    private const int Corrupt = 11;
    private const int NotADatabase = 26;
    private const int Full = 13;
    private const int InputOutput = 10;
    private const int ReadOnly = 8;
    private const int CannotOpen = 14;
    private const int Busy = 5;

    private const int ReserveSize = 1 << 20;
    private static readonly TimeSpan BusyTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan BoundLogWithin = TimeSpan.FromMilliseconds(100);

    private const int LookAtLogEvery = 200;
    private const long LongestLog = 16 << 20;

    private readonly string _path;
    private readonly string _reserve;
    private readonly bool _durable;
    private readonly object _gate = new();
    private SqliteConnection _connection;
    private PreparedStatements _statements;
    private IaaSException? _diskFull;
    private int _writes;

    /// <summary>Opens a database, and makes it when there is none.</summary>
    /// <param name="path">The file.</param>
    /// <param name="durable">Whether a commit must survive the loss of power; otherwise it survives the process alone.</param>
    public StateDatabase(string path, bool durable)
    {
        _path = path;
        _reserve = path + ".reserve";
        _durable = durable;
        try
        {
            _connection = WithReserve(OpenWhole);
            Reserve();
        }
        catch (IaaSException e) when (e.ErrorId == DiskFull && IsAtRest)
        {
            _diskFull = e;
            _connection = OpenAtRest();
        }

        _statements = new PreparedStatements(_connection);
    }

    /// <summary>Whether the file holds everything, and nothing waits beside it in a log.</summary>
    private bool IsAtRest => new FileInfo(_path) is { Exists: true, Length: > 0 } && new FileInfo(_path + "-wal") is not { Exists: true, Length: > 0 };

    /// <summary>Changes whenever another connection has committed.</summary>
    /// <exception cref="IaaSException">A newer version has taken the state over meanwhile.</exception>
    public long Version => IsWritable() ? Query("SELECT data_version, user_version FROM pragma_data_version, pragma_user_version", r => (Version: r.GetInt64(0), Schema: r.GetInt32(1)))[0] switch
    {
        var (version, schema) when schema == Schema.Current => version,
        var (_, schema) => throw Schema.Newer(_path, schema),
    } : -1;

    /// <summary>Reads with a query.</summary>
    /// <param name="sql">The query, its parameters as $0, $1, and so on.</param>
    /// <param name="read">Makes an object of a row.</param>
    /// <param name="arguments">The parameters.</param>
    public List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params object[] arguments) => Guard(() =>
    {
        lock (_gate)
            return _statements.Query(sql, read, arguments);
    });

    /// <summary>Runs a transaction that takes the write lock at its start, so that it never has to be repeated.</summary>
    /// <param name="work">The work.</param>
    public T Write<T>(Func<Transaction, T> work) => Guard(() =>
    {
        lock (_gate)
        {
            if (!IsWritable())
                throw _diskFull!;
            var result = WithReserve(() => InTransaction(_connection, () =>
            {
                // Another process may have brought it up to date while this one had it open.
                if (_statements.Query(Schema.VersionQuery, r => r.GetInt32(0))[0] is var schema && schema != Schema.Current)
                    throw Schema.Newer(_path, schema);
                return work(new Transaction(_statements));
            }));
            BoundLog();
            return result;
        }
    });

    /// <summary>Commits what the work does, or none of it.</summary>
    /// <param name="connection">The open database.</param>
    /// <param name="work">The work.</param>
    internal static T InTransaction<T>(SqliteConnection connection, Func<T> work)
    {
        Begin(connection);
        try
        {
            var result = work();
            SqliteException.ThrowExceptionForRC(raw.sqlite3_exec(connection.Handle, "COMMIT"), connection.Handle);
            return result;
        }
        catch
        {
            RollBack(connection);
            throw;
        }
    }

    /// <summary>
    /// Takes the write lock. SQLite waits for it ever more rarely, up to a tenth of a second, and between two busy writers the one that waits
    /// starves; a write takes a tenth of a millisecond, so it is asked for again at once, and then every millisecond.
    /// </summary>
    private static void Begin(SqliteConnection connection)
    {
        var (start, spin) = (Environment.TickCount64, default(SpinWait));
        _ = raw.sqlite3_busy_timeout(connection.Handle, 0);
        try
        {
            while (raw.sqlite3_exec(connection.Handle, "BEGIN IMMEDIATE") is var result && result != raw.SQLITE_OK)
            {
                if (result != raw.SQLITE_BUSY || Environment.TickCount64 - start > BusyTimeout.TotalMilliseconds)
                    SqliteException.ThrowExceptionForRC(result, connection.Handle);
                spin.SpinOnce();
            }
        }
        finally
        {
            _ = raw.sqlite3_busy_timeout(connection.Handle, (int)BusyTimeout.TotalMilliseconds);
        }
    }

    internal static void Execute(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public void Dispose()
    {
        _statements.Dispose();
        _connection.Dispose();
    }

    /// <summary>
    /// SQLite begins its log anew when nobody reads or writes at that moment. Where several processes are busy there is no such moment, and it would
    /// grow as long as they are; so now and then one is made. If it cannot be, a later change tries again.
    /// </summary>
    private void BoundLog()
    {
        if (++_writes % LookAtLogEvery != 0 || new FileInfo(_path + "-wal") is not { Exists: true, Length: > LongestLog })
            return;
        try
        {
            Wait(_connection, BoundLogWithin);
            Execute(_connection, "PRAGMA wal_checkpoint(TRUNCATE)");
        }
        catch (SqliteException)
        {
            // What was changed is in the log; that the log is long, or the disk full, is no fault of the change.
        }
        finally
        {
            Wait(_connection, BusyTimeout);
        }
    }

    /// <summary>Does something, and when that fails because the disk is full, once more with the room that was kept for that.</summary>
    private T WithReserve<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (Exception e) when (IsFull(e) && File.Exists(_reserve))
        {
            File.Delete(_reserve);
            return work();
        }
    }

    private static bool IsFull(Exception e) => e switch
    {
        SqliteException sqlite => sqlite.SqliteErrorCode is Full or InputOutput,
        IaaSException known => known.ErrorId == DiskFull,
        _ => false,
    };

    private void Reserve()
    {
        if (File.Exists(_reserve))
            return;
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var file = new FileStream(_reserve, options);
            file.Write(new byte[ReserveSize]);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No room for it now, or somebody else was faster: it is tried again when the state is next opened.
        }
    }

    private static void RollBack(SqliteConnection connection)
    {
        try
        {
            Execute(connection, "ROLLBACK");
        }
        catch (SqliteException)
        {
            // After some faults, such as a full disk, SQLite has done so itself; the fault is what matters.
        }
    }

    private SqliteConnection OpenWhole() => Open(new SqliteConnectionStringBuilder { DataSource = _path, Pooling = false, DefaultTimeout = 30 }, connection =>
    {
        Wait(connection, BusyTimeout);
        Execute(connection, $"PRAGMA journal_mode = WAL; PRAGMA synchronous = {(_durable ? "FULL" : "NORMAL")}; PRAGMA foreign_keys = ON;");
        Schema.Update(connection);
    });

    /// <summary>How long SQLite waits for others. It asks again after a millisecond, then ever more rarely; without this the package sleeps 150 ms at a time.</summary>
    private static void Wait(SqliteConnection connection, TimeSpan time) =>
        Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA busy_timeout = {time.TotalMilliseconds:0}"));

    /// <summary>Opens the file as one that nobody changes: no lock, no log, no shared memory.</summary>
    private SqliteConnection OpenAtRest() =>
        Open(new SqliteConnectionStringBuilder { DataSource = new Uri(_path).AbsoluteUri + "?immutable=1", Mode = SqliteOpenMode.ReadOnly, Pooling = false }, Schema.Update);

    private SqliteConnection Open(SqliteConnectionStringBuilder settings, Action<SqliteConnection> prepare)
    {
        var connection = new SqliteConnection(settings.ToString());
        try
        {
            return Guard(() =>
            {
                connection.Open();
                prepare(connection);
                return connection;
            });
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Asked before every change: there may be room again.</summary>
    private bool IsWritable()
    {
        lock (_gate)
        {
            if (_diskFull is null)
                return true;
            try
            {
                var whole = OpenWhole();
                Dispose();
                (_connection, _statements, _diskFull) = (whole, new PreparedStatements(whole), null);
            }
            catch (IaaSException e) when (e.ErrorId == DiskFull)
            {
                return false;
            }

            return true;
        }
    }

    private T Guard<T>(Func<T> work)
    {
        try
        {
            return work();
        }
        catch (SqliteException e)
        {
            throw Translate(e);
        }
    }

    private IaaSException Translate(SqliteException e)
    {
        var folder = Path.GetDirectoryName(_path);
        return e.SqliteErrorCode switch
        {
            Corrupt or NotADatabase => new IaaSException(ErrorKind.InvalidData, "StateCorrupt", $"{_path}: the state database is damaged ({e.Message}).",
                $"Restore the file from a backup. Without one: the machines' disks are unharmed under {Path.Combine(folder!, "machines")}; move the database away and import them again.", _path, e),
            Full or InputOutput when e.SqliteErrorCode == Full || IsDiskFull(folder!) => new IaaSException(ErrorKind.NoCapacity, DiskFull, $"{_path}: the disk that holds the state is full.",
                "Make room on it, then repeat the command; nothing was changed.", _path, e),
            ReadOnly or CannotOpen => new IaaSException(ErrorKind.AccessDenied, "StateNotWritable", $"{_path}: the state database cannot be written ({e.Message}).",
                "Make the folder and the files in it writable for this user, or connect to another fabric with Connect-IaaS -Local -Path.", _path, e),
            Busy => new IaaSException(ErrorKind.Busy, "StateBusy", $"{_path}: another process has kept the state database locked for too long.",
                "Find the process that holds it (for example with lsof), and try again.", _path, e),
            _ => new IaaSException(ErrorKind.Failed, "StateFailed", $"{_path}: the state database failed: {e.Message}.",
                "Check the disk that holds it, then repeat the command.", _path, e),
        };
    }

    /// <summary>Where there is no room for its shared memory, SQLite speaks of an input or output error.</summary>
    private static bool IsDiskFull(string folder)
    {
        const int LeastBytes = 128 << 10;
        try
        {
            return new DriveInfo(folder).AvailableFreeSpace < LeastBytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return false;
        }
    }

    /// <summary>An open transaction.</summary>
    internal readonly struct Transaction(PreparedStatements statements)
    {
        /// <summary>Changes rows.</summary>
        /// <returns>How many rows were changed.</returns>
        public int Execute(string sql, params object[] arguments) => statements.Execute(sql, arguments);

        /// <summary>Reads with a query.</summary>
        public List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params object[] arguments) => statements.Query(sql, read, arguments);

        /// <summary>Adds one to a number that only grows.</summary>
        /// <param name="name">Its name among the facts.</param>
        /// <returns>The new number.</returns>
        public long Count(string name) => Query(
            "INSERT INTO facts VALUES ($0, '1') ON CONFLICT (name) DO UPDATE SET value = CAST(value AS INTEGER) + 1 RETURNING CAST(value AS INTEGER)", r => r.GetInt64(0), name)[0];
    }
}
