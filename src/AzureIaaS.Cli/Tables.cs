using System.Globalization;
using AzureIaaS.Failover;
using AzureIaaS.Imports;
using AzureIaaS.Providers;
using AzureIaaS.Reports;
using AzureIaaS.Readiness;
using AzureIaaS.Sessions;

namespace AzureIaaS.Cli;

/// <summary>What a table shows of each kind of result.</summary>
internal static class Tables
{
    /// <summary>The one column whose text may take several lines.</summary>
    public const string WrappedColumn = "Note";

    public static (IReadOnlyList<string> Columns, Func<object, string[]> Cells) For(object sample) => sample switch
    {
        VirtualMachine => (["Name", "State", "Host", "Cpu", "Memory", "Disk", "Address", "Started", WrappedColumn], o => MachineRow((VirtualMachine)o)),
        ImageInfo => (["Path", "Format", "Variant", "Size", "Data", "Partitions", "Firmware", "System", WrappedColumn], o => ImageRow((ImageInfo)o)),
        StagedPass => (["Name", "Read", "Changed", "Written", "Seconds", WrappedColumn], o => PassRow((StagedPass)o)),
        ReadinessReport => (["Name", "Target", "Verdict", "Firmware", "System", WrappedColumn], o => ReadinessRow((ReadinessReport)o)),
        Operation => (["Id", "Kind", "Vm", "State", "Step", "Updated", WrappedColumn], o => OperationRow((Operation)o)),
        FabricHost => (["Name", "State", "Fault", "Update", "Cpu", "Memory", "Machines", WrappedColumn], o => HostRow((FabricHost)o)),
        VirtualNetwork => (["Name", "Subnet", "Gateway", "Suffix", "Way out", "Free", "Machines", WrappedColumn], o => NetworkRow((VirtualNetwork)o)),
        Site => (["Name", "Network", "Subnets", "Gateway", "State", "Since", "In", "Out", WrappedColumn], o => SiteRow((Site)o)),
        DomainJoinReport => (["Domain", "Network", "Verdict", "Controllers", WrappedColumn], o => DomainRow((DomainJoinReport)o)),
        VirtualDisk => (["Name", "Size", "Controller", "Format", "Path"], o => DiskRow((VirtualDisk)o)),
        VmCheckpoint => (["Vm", "Name", "Created", "Memory"], o => CheckpointRow((VmCheckpoint)o)),
        FailoverReport => (["Vm", "Kind", "Outcome", "Started", "From", "To", "RTO s", "RPO s", "Downtime ms", WrappedColumn], o => ReportRow((FailoverReport)o)),
        ReportDifference => (["Item", "Former", "Later", "Verdict"], o => DifferenceRow((ReportDifference)o)),
        VmCommandResult => (["Vm", "Exit", "Output", "Error"], o => ResultRow((VmCommandResult)o)),
        Orphan => (["Kind", "Name", "Size", "Operation", "Id", WrappedColumn], o => OrphanRow((Orphan)o)),
        IaaSContext => (["Name", "Current", "Provider", "Hypervisor", "Place"], o => ContextRow((IaaSContext)o)),
        _ => throw new ArgumentOutOfRangeException(nameof(sample)),
    };

    private static string[] MachineRow(VirtualMachine m) =>
    [
        m.Name, m.State.ToString(), m.Host ?? "", m.Cpu.ToString(CultureInfo.InvariantCulture), ByteSize.Format(m.Memory),
        ByteSize.Format(m.Disks.Sum(d => d.Length)), m.IPAddress ?? "", Time(m.Started), m.StateReason ?? (m.BootVerified ? $"alive: {m.BootEvidence}" : ""),
    ];

    private static string[] ImageRow(ImageInfo i) =>
    [
        i.ToString(), i.Format, i.Variant, ByteSize.Format(i.Length), ByteSize.Format(i.DataLength),
        i.PartitionScheme == "None" ? "none" : $"{i.PartitionCount} ({i.PartitionScheme})", i.Firmware.ToString(), i.OperatingSystem ?? "", string.Join(' ', [.. i.Faults ?? [], .. i.Warnings, .. Digests(i)]),
    ];

    private static IEnumerable<string> Digests(ImageInfo i) => new[] { i.Digest, i.Checksum }.OfType<string>();

    private static string[] PassRow(StagedPass p) =>
    [
        p.Name, ByteSize.Format(p.BytesRead), p.BlocksChanged.ToString(CultureInfo.InvariantCulture), ByteSize.Format(p.BytesWritten), Seconds(p.Elapsed),
        p.ChangedMeanwhile ? "It changed while it was read; the next pass brings what was missed." : "",
    ];

    private static string[] ReadinessRow(ReadinessReport r) =>
    [
        r.Name, r.Target.ToString(), r.Verdict.ToString(), r.Firmware.ToString(), r.Guest.ToString(),
        string.Join(' ', r.Findings.Where(f => f.Severity != ReadinessSeverity.Information).Select(f => $"{f.Message} {f.Remedy}")),
    ];

    private static string[] OperationRow(Operation o) =>
        [o.Id.ToString(), o.Kind, o.VmName, o.State.ToString(), o.Step ?? "", Time(o.Updated), o.Error ?? ""];

    private static string[] HostRow(FabricHost h) =>
    [
        h.Name, h.State.ToString(), Number(h.FaultDomain), Number(h.UpdateDomain), $"{Number(h.CpuUsed)}/{Number(h.Cpu)}",
        $"{ByteSize.Format(h.MemoryUsed)}/{ByteSize.Format(h.Memory)}", Number(h.Machines.Count), h.StateReason ?? string.Join(", ", h.Machines),
    ];

    private static string[] NetworkRow(VirtualNetwork n) =>
    [
        n.Name, n.Subnet, n.GatewayAddress, n.DnsSuffix ?? "", n.Isolated ? "no" : "yes", n.FreeAddresses.ToString(CultureInfo.InvariantCulture),
        string.Join(", ", n.Machines), n.Peers.Count > 0 ? $"peers: {string.Join(", ", n.Peers)}" : "",
    ];

    private static string[] SiteRow(Site s) =>
        [s.Name, s.Network, string.Join(", ", s.Subnets), s.GatewayAddress, s.State.ToString(), Time(s.Since), ByteSize.Format(s.BytesIn), ByteSize.Format(s.BytesOut), s.LastError ?? ""];

    private static string[] DomainRow(DomainJoinReport r) =>
    [
        r.Domain, r.Network, r.Verdict.ToString(), string.Join(", ", r.Controllers),
        string.Join(' ', r.Findings.Where(f => f.Severity != ReadinessSeverity.Information).Select(f => $"{f.Message} {f.Remedy}")),
    ];

    private static string[] DiskRow(VirtualDisk d) => [d.Name, ByteSize.Format(d.Length), d.Controller.ToString(), d.Format, d.Path];

    private static string[] CheckpointRow(VmCheckpoint c) => [c.VmName, c.Name, Time(c.Created), c.HasMemory ? "yes" : "no"];

    private static string[] ReportRow(FailoverReport r) =>
    [
        r.VmName, r.Kind.ToString(), r.Outcome.ToString(), Time(r.Started), r.SourceHost ?? "", r.TargetHost ?? "", Seconds(r.Rto), Seconds(r.Rpo),
        r.Downtime?.TotalMilliseconds.ToString("0", CultureInfo.InvariantCulture) ?? "", r.Error ?? r.Trigger,
    ];

    private static string[] DifferenceRow(ReportDifference d) => [d.Item, d.Reference, d.Difference, d.Verdict];

    private static string[] ResultRow(VmCommandResult r) => [r.VmName, r.TimedOut ? "timed out" : r.ExitCode?.ToString(CultureInfo.InvariantCulture) ?? "", r.Output.Trim(), r.Error.Trim()];

    private static string[] OrphanRow(Orphan o) => [o.Kind, o.Name, o.Length is { } length ? ByteSize.Format(length) : "", o.Operation?.ToString() ?? "", o.Id, o.Reason];

    private static string Number(int value) => value.ToString(CultureInfo.InvariantCulture);

    private static string Seconds(TimeSpan? time) => time?.TotalSeconds.ToString("0.00", CultureInfo.InvariantCulture) ?? "";

    private static string[] ContextRow(IaaSContext c) => [c.Name, c.IsCurrent ? "*" : "", c.Provider, c.Azure is null ? c.Hypervisor.ToString() : "", c.Place];

    private static string Time(DateTimeOffset? time) => time?.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) ?? "";
}
