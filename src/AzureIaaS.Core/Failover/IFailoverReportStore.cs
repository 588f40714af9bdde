namespace AzureIaaS.Failover;

/// <summary>Where reports are kept. They are only added and replaced, never changed by anything else.</summary>
public interface IFailoverReportStore
{
    /// <summary>Keeps a report; one of the same id is replaced.</summary>
    /// <param name="report">The report.</param>
    void Save(FailoverReport report);

    /// <summary>Finds a report; null when there is none.</summary>
    /// <param name="id">The report's id.</param>
    FailoverReport? Find(Guid id);

    /// <summary>The reports of failovers that have not ended: they are under way, or were cut off.</summary>
    IReadOnlyList<FailoverReport> ListOpen();

    /// <summary>The reports, oldest first.</summary>
    /// <param name="vm">Only this machine's; null for all.</param>
    IReadOnlyList<FailoverReport> List(Guid? vm);
}
