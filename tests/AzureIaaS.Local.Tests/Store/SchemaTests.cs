using AzureIaaS.Local.Machines;
using AzureIaaS.Store;
using Microsoft.Data.Sqlite;

namespace AzureIaaS.Local.Tests.Store;

/// <summary>A state of every earlier version is brought up to date, with what it holds.</summary>
public sealed class SchemaTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("azureiaas-").FullName;

    public static TheoryData<int> Versions() => [.. Enumerable.Range(1, Schema.Updates.Length)];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Theory]
    [MemberData(nameof(Versions))]
    public void AStateOfThatVersionIsTakenOver(int version)
    {
        var (id, operation) = (Guid.NewGuid(), Guid.NewGuid());
        using (var connection = new SqliteConnection($"Data Source={Path.Combine(_folder, "fabric.db")};Pooling=False"))
        {
            connection.Open();
            foreach (var update in Schema.Updates.Take(version))
                Run(connection, update);
            Run(connection, $"PRAGMA user_version = {version}");

            // As the first version wrote them: whatever came later is missing.
            Run(connection, $$$"""
                INSERT INTO machines (id, name, state, generation, body, provider_data) VALUES ('{{{id:N}}}', 'web01', 'Running', 3, '{"Id":"{{{id}}}","Name":"web01","State":"Running","Cpu":2,"Memory":536870912,"Firmware":"Bios","Disks":[{"Name":"disk0","Path":"/old/disk0.raw","Format":"raw","Length":1048576,"LogicalSectorSize":512,"Controller":"Ide"}],"NetworkAdapters":[],"Created":"2026-01-01T00:00:00+00:00"}', '{"Process":{"Id":77,"StartTime":5,"Boot":"b"}}');
                INSERT INTO names VALUES ('web01', '{{{id:N}}}');
                INSERT INTO operations VALUES ('{{{operation:N}}}', 'Import', 1, 'db01', '/old/db01.vmdk', '{}', '2026-01-01T00:00:00.0000000+00:00', 1);
                INSERT INTO operation_events VALUES ('{{{operation:N}}}', 0, 'stage', 'Started', '2026-01-01T00:00:00.0000000+00:00', NULL);
                """);
        }

        using var store = new StoreAdapter().Open(_folder, durable: true);
        var stored = Assert.Single(store.Machines.List());
        Assert.Equal(("web01", MachineState.Running, 2, 512L << 20), (stored.Machine.Name, stored.Machine.State, stored.Machine.Cpu, stored.Machine.Memory));
        Assert.Equal((77, 0), (MachineNotes.Of(stored).Process!.Id, MachineNotes.Of(stored).HealAttempts));
        Assert.Empty(stored.Machine.Checkpoints);
        var record = Assert.Single(store.Sagas.List(includeClosed: false));
        Assert.Equal(("db01", "stage"), (record.VmName, Assert.Single(store.Sagas.Events(record.Id)).Step));
        Assert.Empty(store.Reports.List(null));
        Assert.Empty(store.Reports.ListOpen());
        Assert.Empty(store.Hosts.List());
        Assert.Equal(id, Assert.Single(store.Machines.ChangesSince(-1).Written).Machine.Id);

        // And it can be written on.
        stored.Machine.StartOrder = 4;
        Assert.Equal(4, store.Machines.Update(stored).Machine.StartOrder);
    }

    private static void Run(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }
}
