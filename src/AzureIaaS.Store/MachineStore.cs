using System.Text.Json;
using Microsoft.Data.Sqlite;

namespace AzureIaaS.Store;

/// <summary>The machines' table.</summary>
internal sealed class MachineStore(StateDatabase database) : IMachineStore
{
    private const string Columns = "SELECT body, generation, provider_data FROM machines";

    public IReadOnlyList<StoredMachine> List() => database.Query(Columns + " ORDER BY name", Read);

    public IReadOnlyList<StoredMachine> ListOn(string host) =>
        database.Query(Columns + " WHERE body ->> '$.Host' = $0 COLLATE NOCASE ORDER BY name", Read, host);

    public IReadOnlyDictionary<Guid, long> Generations() =>
        database.Query("SELECT id, generation FROM machines", r => (Id: Guid.ParseExact(r.GetString(0), "N"), Generation: r.GetInt64(1))).ToDictionary(r => r.Id, r => r.Generation);

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
            t.Execute("INSERT INTO machines VALUES ($0, $1, $2, 1, $3, '{}')", Key(machine.Id), machine.Name, machine.State.ToString(), Body(machine));
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

        return t.Execute("INSERT INTO machines VALUES ($0, $1, $2, 1, $3, $4)", id, machine.Name, machine.State.ToString(), Body(machine), providerData);
    });

    public StoredMachine Update(StoredMachine machine) => database.Write(t =>
    {
        var changed = t.Execute(
            "UPDATE machines SET name = $0, state = $1, generation = generation + 1, body = $2, provider_data = $3 WHERE id = $4 AND generation = $5",
            machine.Machine.Name, machine.Machine.State.ToString(), Body(machine.Machine), machine.ProviderData, Key(machine.Machine.Id), machine.Generation);
        return changed == 1
            ? machine with { Generation = machine.Generation + 1 }
            : throw new IaaSException(ErrorKind.Busy, "VmChangedMeanwhile", $"Machine '{machine.Machine.Name}' was changed or removed by somebody else at the same time.",
                "Look at it with Get-IaaSVm, and repeat the command.", machine.Machine.Name);
    });

    public void Remove(Guid id) => database.Write(t =>
    {
        t.Execute("DELETE FROM names WHERE owner = $0", Key(id));
        return t.Execute("DELETE FROM machines WHERE id = $0", Key(id));
    });

    internal static string Key(Guid id) => id.ToString("N");

    private static string Body(VirtualMachine machine) => JsonSerializer.Serialize(machine, CoreJson.Default.VirtualMachine);

    private static StoredMachine Read(SqliteDataReader row) =>
        new(JsonSerializer.Deserialize(row.GetString(0), CoreJson.Default.VirtualMachine)!, row.GetInt64(1), row.GetString(2));
}
