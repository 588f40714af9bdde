using System.Globalization;
using AzureIaaS.Sagas;
using Microsoft.Data.Sqlite;

namespace AzureIaaS.Store;

/// <summary>The operations' tables.</summary>
internal sealed class SagaStore(StateDatabase database) : ISagaStore
{
    private const string Columns = "SELECT id, kind, version, vm_name, source, parameters, created, is_open FROM operations";

    public void Create(SagaRecord record, bool reserveName) => database.Write(t =>
    {
        var id = MachineStore.Key(record.Id);
        if (reserveName && t.Execute("INSERT INTO names VALUES ($0, $1) ON CONFLICT DO NOTHING", record.VmName, id) == 0)
        {
            throw new IaaSException(ErrorKind.AlreadyExists, "VmNameTaken", $"The name '{record.VmName}' has just been taken by another machine or import.",
                "Give another name with -Name, or look at Get-IaaSVm and Get-IaaSOperation.", record.VmName);
        }

        return t.Execute("INSERT INTO operations VALUES ($0, $1, $2, $3, $4, $5, $6, 1)",
            id, record.Kind, record.Version, record.VmName, record.Source, record.Parameters, Text(record.Created));
    });

    public void Append(Guid operation, SagaEvent e) => database.Write(t => t.Execute("INSERT INTO operation_events VALUES ($0, $1, $2, $3, $4, $5)",
        MachineStore.Key(operation), e.Sequence, e.Step, e.Kind.ToString(), Text(e.Time), (object?)e.Detail ?? DBNull.Value));

    public void Close(Guid operation) => database.Write(t =>
    {
        t.Execute("DELETE FROM names WHERE owner = $0", MachineStore.Key(operation));
        return t.Execute("UPDATE operations SET is_open = 0 WHERE id = $0", MachineStore.Key(operation));
    });

    public IReadOnlyList<SagaRecord> List(bool includeClosed) =>
        database.Query(Columns + (includeClosed ? "" : " WHERE is_open = 1") + " ORDER BY created, id", Read);

    public SagaRecord? Find(Guid operation) => database.Query(Columns + " WHERE id = $0", Read, MachineStore.Key(operation)).FirstOrDefault();

    public SagaRecord? FindReserving(string vmName) =>
        database.Query(Columns + " WHERE is_open = 1 AND id = (SELECT owner FROM names WHERE name = $0)", Read, vmName).FirstOrDefault();

    public IReadOnlyList<SagaEvent> Events(Guid operation) => database.Query(
        "SELECT sequence, step, kind, time, detail FROM operation_events WHERE operation = $0 ORDER BY sequence",
        r => new SagaEvent(r.GetInt32(0), r.GetString(1), Enum.Parse<SagaEventKind>(r.GetString(2)), Time(r.GetString(3)), r.IsDBNull(4) ? null : r.GetString(4)),
        MachineStore.Key(operation));

    private static SagaRecord Read(SqliteDataReader r) =>
        new(Guid.ParseExact(r.GetString(0), "N"), r.GetString(1), r.GetInt32(2), r.GetString(3), r.GetString(4), r.GetString(5), Time(r.GetString(6)))
        {
            IsOpen = r.GetBoolean(7),
        };

    internal static string Text(DateTimeOffset time) => time.ToUniversalTime().ToString("O", CultureInfo.InvariantCulture);

    private static DateTimeOffset Time(string text) => DateTimeOffset.ParseExact(text, "O", CultureInfo.InvariantCulture);
}
