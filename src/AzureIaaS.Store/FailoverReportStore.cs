using System.Text.Json;
using AzureIaaS.Failover;

namespace AzureIaaS.Store;

/// <summary>The failover reports' table.</summary>
internal sealed class FailoverReportStore(StateDatabase database) : IFailoverReportStore
{
    public void Save(FailoverReport report) => database.Write(t => t.Execute(
        "INSERT INTO failover_reports VALUES ($0, $1, $2, $3) ON CONFLICT (id) DO UPDATE SET body = excluded.body",
        MachineStore.Key(report.Id), MachineStore.Key(report.VmId), SagaStore.Text(report.Started), JsonSerializer.Serialize(report, CoreJson.Default.FailoverReport)));

    public FailoverReport? Find(Guid id) =>
        database.Query("SELECT body FROM failover_reports WHERE id = $0", r => Read(r.GetString(0)), MachineStore.Key(id)).FirstOrDefault();

    public IReadOnlyList<FailoverReport> ListOpen() =>
        database.Query("SELECT body FROM failover_reports WHERE json_extract(body, '$.Outcome') = 'NotRun' ORDER BY started", r => Read(r.GetString(0)));

    public IReadOnlyList<FailoverReport> List(Guid? vm) => vm is { } id
        ? database.Query("SELECT body FROM failover_reports WHERE vm = $0 ORDER BY started", r => Read(r.GetString(0)), MachineStore.Key(id))
        : database.Query("SELECT body FROM failover_reports ORDER BY started", r => Read(r.GetString(0)));

    private static FailoverReport Read(string body) => JsonSerializer.Deserialize(body, CoreJson.Default.FailoverReport)!;
}
