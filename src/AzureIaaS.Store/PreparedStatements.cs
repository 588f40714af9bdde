using Microsoft.Data.Sqlite;

namespace AzureIaaS.Store;

/// <summary>
/// A connection's statements, kept as SQLite has compiled them: compiling one takes longer than most of them take to run. They are
/// constants of this library, so that there are few. Not for several threads at once.
/// </summary>
/// <param name="connection">The open connection.</param>
internal sealed class PreparedStatements(SqliteConnection connection) : IDisposable
{
    private readonly Dictionary<string, SqliteCommand> _idle = [];

    /// <summary>Reads with a query.</summary>
    /// <param name="sql">The query, its parameters as $0, $1, and so on.</param>
    /// <param name="read">Makes an object of a row.</param>
    /// <param name="arguments">The parameters.</param>
    public List<T> Query<T>(string sql, Func<SqliteDataReader, T> read, params object[] arguments) => With(sql, arguments, command =>
    {
        using var reader = command.ExecuteReader();
        var rows = new List<T>();
        while (reader.Read())
            rows.Add(read(reader));
        return rows;
    });

    /// <summary>Changes rows.</summary>
    /// <param name="sql">The statement, its parameters as $0, $1, and so on.</param>
    /// <param name="arguments">The parameters.</param>
    /// <returns>How many rows were changed.</returns>
    public int Execute(string sql, params object[] arguments) => With(sql, arguments, command => command.ExecuteNonQuery());

    public void Dispose()
    {
        foreach (var command in _idle.Values)
            command.Dispose();
        _idle.Clear();
    }

    private T With<T>(string sql, object[] arguments, Func<SqliteCommand, T> use)
    {
        // One that is in use is not among the idle: a statement that is run while its rows are read gets another.
        if (!_idle.Remove(sql, out var command))
        {
            command = connection.CreateCommand();
            command.CommandText = sql;
            for (var i = 0; i < arguments.Length; i++)
                command.Parameters.Add(new SqliteParameter("$" + i, null));
        }

        for (var i = 0; i < arguments.Length; i++)
            command.Parameters[i].Value = arguments[i];
        try
        {
            return use(command);
        }
        finally
        {
            if (!_idle.TryAdd(sql, command))
                command.Dispose();
        }
    }
}
