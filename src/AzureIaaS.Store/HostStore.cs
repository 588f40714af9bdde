using System.Text.Json;

namespace AzureIaaS.Store;

/// <summary>The hosts' table.</summary>
internal sealed class HostStore(StateDatabase database) : IHostStore
{
    private const string FirstHostsMade = "first-hosts-made";
    private const string ChangeCounter = "host-change";

    public IReadOnlyList<FabricHost> List() => database.Query("SELECT body FROM hosts ORDER BY name", r => Read(r.GetString(0)));

    public long Change => database.Query("SELECT CAST(value AS INTEGER) FROM facts WHERE name = $0", r => r.GetInt64(0), ChangeCounter).FirstOrDefault();

    public FabricHost? Find(string name) => database.Query("SELECT body FROM hosts WHERE name = $0", r => Read(r.GetString(0)), name).FirstOrDefault();

    public void Add(FabricHost host) => database.Write(t => Insert(t, host) == 1 ? 1
        : throw new IaaSException(ErrorKind.AlreadyExists, "HostNameTaken", $"There is a host called '{host.Name}' already.",
            "Give the new one another name; Get-IaaSHost shows those there are.", host.Name));

    public void SetState(string name, HostState state, string? reason) => database.Write(t =>
    {
        var host = t.Query("SELECT body FROM hosts WHERE name = $0", r => Read(r.GetString(0)), name).FirstOrDefault()
            ?? throw new IaaSException(ErrorKind.NotFound, "HostNotFound", $"There is no host '{name}' any more.", "Get-IaaSHost shows those there are.", name);
        (host.State, host.StateReason) = (state, reason);
        t.Count(ChangeCounter);
        return t.Execute("UPDATE hosts SET body = $0 WHERE name = $1", Write(host), name);
    });

    public void Remove(string name) => database.Write(t =>
    {
        t.Count(ChangeCounter);
        return t.Execute("DELETE FROM hosts WHERE name = $0", name);
    });

    public void AddFirst(IReadOnlyList<FabricHost> hosts)
    {
        if (database.Query("SELECT 1 FROM facts WHERE name = $0", _ => 1, FirstHostsMade).Count > 0)
            return;
        database.Write(t =>
        {
            // Once in a fabric's life: whoever removes all hosts has meant it.
            if (t.Execute("INSERT INTO facts VALUES ($0, 'yes') ON CONFLICT DO NOTHING", FirstHostsMade) == 0)
                return 0;
            return hosts.Sum(h => Insert(t, h));
        });
    }

    private static int Insert(StateDatabase.Transaction transaction, FabricHost host)
    {
        transaction.Count(ChangeCounter);
        return transaction.Execute("INSERT INTO hosts VALUES ($0, $1) ON CONFLICT DO NOTHING", host.Name, Write(host));
    }

    private static string Write(FabricHost host) => JsonSerializer.Serialize(host, CoreJson.Default.FabricHost);

    private static FabricHost Read(string body) => JsonSerializer.Deserialize(body, CoreJson.Default.FabricHost)!;
}
