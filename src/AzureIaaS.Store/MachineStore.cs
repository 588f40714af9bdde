using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace AzureIaaS.Store;

/// <summary>The machines' table.</summary>
internal sealed class MachineStore(StateDatabase database) : IMachineStore
{
    private const string ChangeCounter = "machine-change";
    private const string Insert = "INSERT INTO machines (id, name, state, generation, body, provider_data, host, change) VALUES ($0, $1, $2, 1, $3, $4, $5, $6)";
    private const string Columns = "SELECT body, generation, provider_data FROM machines";

    public IReadOnlyList<StoredMachine> List() => database.Query(Columns + " ORDER BY name", Read);

    public IReadOnlyList<StoredMachine> ListOn(string host) =>
        database.Query(Columns + " WHERE host = $0 ORDER BY name", Read, host);

    public MachineChanges ChangesSince(long change)
    {
        // The number first: what is written after it is told again the next time.
        var now = database.Query("SELECT CAST(value AS INTEGER) FROM facts WHERE name = $0", r => r.GetInt64(0), ChangeCounter).FirstOrDefault();
        return new MachineChanges(now, database.Query(Columns + " WHERE change > $0", Read, change),
            database.Query("SELECT id FROM removed_machines WHERE change > $0", r => Guid.ParseExact(r.GetString(0), "N"), change));
    }

    public StoredMachine? Find(Guid id) => database.Query(Columns + " WHERE id = $0", Read, Key(id)).FirstOrDefault();

    public StoredMachine? Find(string name) => database.Query(Columns + " WHERE name = $0", Read, name).FirstOrDefault();

    public void Publish(VirtualMachine machine, Guid operation) => database.Write(t =>
    {
        var owner = t.Query("SELECT owner FROM names WHERE name = $0", r => r.GetString(0), machine.Name).FirstOrDefault();
        if (owner != Key(machine.Id))
        {
            if (owner != Key(operation))
            {
                throw new IaaSException(ErrorKind.AlreadyExists, "VmNameTaken", $"The name '{machine.Name}' belongs to another machine.",
                    "Import it again with another name.", machine.Name);
            }

            t.Execute("UPDATE names SET owner = $0 WHERE name = $1", Key(machine.Id), machine.Name);
            t.Execute(Insert, Key(machine.Id), machine.Name, machine.State.ToString(), Body(machine), "{}", Host(machine), t.Count(ChangeCounter));
        }

        return t.Execute("UPDATE operations SET is_open = 0 WHERE id = $0", Key(operation));
    });

    public void Add(VirtualMachine machine, string providerData) => database.Write(t =>
    {
        var id = Key(machine.Id);
        if (t.Query("SELECT 1 FROM machines WHERE id = $0", _ => 1, id).Count > 0)
            return 0;
        if (t.Execute("INSERT INTO names VALUES ($0, $1) ON CONFLICT DO NOTHING", machine.Name, id) == 0)
        {
            throw new IaaSException(ErrorKind.AlreadyExists, "VmNameTaken", $"The name '{machine.Name}' belongs to another machine.", "Give another name.", machine.Name);
        }

        return t.Execute(Insert, id, machine.Name, machine.State.ToString(), Body(machine), providerData, Host(machine), t.Count(ChangeCounter));
    });

    public StoredMachine Update(StoredMachine machine) => database.Write(t =>
    {
        var changed = t.Execute(
            "UPDATE machines SET name = $0, state = $1, generation = generation + 1, body = $2, provider_data = $3, host = $4, change = $5 WHERE id = $6 AND generation = $7",
            machine.Machine.Name, machine.Machine.State.ToString(), Body(machine.Machine), machine.ProviderData, Host(machine.Machine), t.Count(ChangeCounter), Key(machine.Machine.Id), machine.Generation);
        return changed == 1
            ? machine with { Generation = machine.Generation + 1 }
            : throw new IaaSException(ErrorKind.Busy, "VmChangedMeanwhile", $"Machine '{machine.Machine.Name}' was changed or removed by somebody else at the same time.",
                "Look at it with Get-IaaSVm, and repeat the command.", machine.Machine.Name);
    });

    public void Remove(Guid id) => database.Write(t =>
    {
        t.Execute("DELETE FROM names WHERE owner = $0", Key(id));
        t.Execute("INSERT INTO removed_machines VALUES ($0, $1) ON CONFLICT (id) DO UPDATE SET change = excluded.change", Key(id), t.Count(ChangeCounter));
        t.Execute("DELETE FROM network_members WHERE vm = $0", Key(id));
        return t.Execute("DELETE FROM machines WHERE id = $0", Key(id));
    });

    internal static string Key(Guid id) => id.ToString("N");

    private static object Host(VirtualMachine machine) => machine.Host is { } host ? host : DBNull.Value;

    private static string Body(VirtualMachine machine) => JsonSerializer.Serialize(machine, CoreJson.Default.VirtualMachine);

    private static StoredMachine Read(SqliteDataReader row) =>
        new(JsonSerializer.Deserialize(row.GetString(0), CoreJson.Default.VirtualMachine)!, row.GetInt64(1), row.GetString(2));
}
