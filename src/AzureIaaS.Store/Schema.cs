using System.Globalization;
using Microsoft.Data.Sqlite;

namespace AzureIaaS.Store;

/// <summary>
/// The database's schema as the list of its updates. The list only grows: an entry that has been released is never changed, removed or moved,
/// so that a database of any earlier version can be brought up to date.
/// </summary>
internal static class Schema
{
    internal static readonly string[] Updates =
    [
        """
        CREATE TABLE machines (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL UNIQUE COLLATE NOCASE,
            state TEXT NOT NULL,
            generation INTEGER NOT NULL,
            body TEXT NOT NULL,
            provider_data TEXT NOT NULL
        ) WITHOUT ROWID;
        -- A name belongs to a machine or to the operation that is making it, never to both.
        CREATE TABLE names (
            name TEXT PRIMARY KEY COLLATE NOCASE,
            owner TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE operations (
            id TEXT PRIMARY KEY,
            kind TEXT NOT NULL,
            version INTEGER NOT NULL,
            vm_name TEXT NOT NULL COLLATE NOCASE,
            source TEXT NOT NULL,
            parameters TEXT NOT NULL,
            created TEXT NOT NULL,
            is_open INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE operation_events (
            operation TEXT NOT NULL,
            sequence INTEGER NOT NULL,
            step TEXT NOT NULL,
            kind TEXT NOT NULL,
            time TEXT NOT NULL,
            detail TEXT,
            PRIMARY KEY (operation, sequence)
        ) WITHOUT ROWID;
        """,
        """
        CREATE TABLE hosts (
            name TEXT PRIMARY KEY COLLATE NOCASE,
            body TEXT NOT NULL
        ) WITHOUT ROWID;
        -- Things that are true of the whole context, by name.
        CREATE TABLE facts (
            name TEXT PRIMARY KEY,
            value TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE failover_reports (
            id TEXT PRIMARY KEY,
            vm TEXT NOT NULL,
            started TEXT NOT NULL,
            body TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX failover_reports_by_vm ON failover_reports (vm, started);
        """,
        """
        CREATE INDEX failover_reports_open ON failover_reports (started) WHERE json_extract(body, '$.Outcome') = 'NotRun';
        """,
        """
        -- What is on a host, and what has changed, are asked for often, and are not worth reading every machine.
        ALTER TABLE machines ADD COLUMN host TEXT COLLATE NOCASE;
        UPDATE machines SET host = body ->> '$.Host';
        CREATE INDEX machines_by_host ON machines (host);
        -- Each writing of a machine gets the next number, and its removal too: whoever knows one state can read what has changed since.
        ALTER TABLE machines ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
        CREATE INDEX machines_by_change ON machines (change);
        CREATE TABLE removed_machines (
            id TEXT PRIMARY KEY,
            change INTEGER NOT NULL
        ) WITHOUT ROWID;
        CREATE INDEX removed_machines_by_change ON removed_machines (change);
        """,
        """
        CREATE TABLE networks (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL UNIQUE COLLATE NOCASE,
            body TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE network_members (
            network TEXT NOT NULL,
            address TEXT NOT NULL,
            vm TEXT NOT NULL,
            adapter TEXT NOT NULL,
            mac TEXT NOT NULL,
            host_name TEXT NOT NULL,
            leased TEXT,
            PRIMARY KEY (network, address)
        ) WITHOUT ROWID;
        CREATE UNIQUE INDEX network_members_by_vm ON network_members (vm, adapter);
        CREATE UNIQUE INDEX network_members_by_mac ON network_members (network, mac);
        """,
    ];

    /// <summary>Brings a database up to date in one transaction.</summary>
    /// <param name="connection">The open database.</param>
    /// <exception cref="IaaSException">It was written by a newer version.</exception>
    public static void Update(SqliteConnection connection)
    {
        if (VersionOf(connection) == Updates.Length)
            return;
        StateDatabase.InTransaction(connection, () =>
        {
            var version = VersionOf(connection);   // asked again: another process may have been faster
            if (version > Updates.Length)
                throw Newer(connection.DataSource, version);
            foreach (var update in Updates.Skip(version))
                StateDatabase.Execute(connection, update);
            StateDatabase.Execute(connection, string.Create(CultureInfo.InvariantCulture, $"PRAGMA user_version = {Updates.Length}"));
            return version;
        });
    }

    /// <summary>Asks for the version of a database.</summary>
    public const string VersionQuery = "PRAGMA user_version";

    /// <summary>The version that this program knows.</summary>
    public static int Current => Updates.Length;

    /// <summary>Says that a newer version has written the state.</summary>
    /// <param name="path">The database.</param>
    /// <param name="version">Its version.</param>
    public static IaaSException Newer(string path, int version) => new(ErrorKind.NotSupported, "StateOfNewerVersion",
        $"{path}: the state was written by a newer version of AzureIaaS (schema {version}; this one knows {Updates.Length}).",
        "Use that version, or a newer one.", path);

    /// <summary>The version of a database.</summary>
    /// <param name="connection">The open database.</param>
    public static int VersionOf(SqliteConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = VersionQuery;
        return Convert.ToInt32(command.ExecuteScalar(), CultureInfo.InvariantCulture);
    }
}
