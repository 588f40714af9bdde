using System.Globalization;
using AzureIaaS.Imports;
using AzureIaaS.Sessions;

namespace AzureIaaS.Cli;

/// <summary>What a table shows of each kind of result.</summary>
internal static class Tables
{
    /// <summary>The one column whose text may take several lines.</summary>
    public const string WrappedColumn = "Note";

    public static (IReadOnlyList<string> Columns, Func<object, string[]> Cells) For(object sample) => sample switch
    {
        VirtualMachine => (["Name", "State", "Cpu", "Memory", "Firmware", "Disk", "Started", WrappedColumn], o => MachineRow((VirtualMachine)o)),
        ImageInfo => (["Path", "Format", "Variant", "Size", "Data", "Partitions", "Firmware", WrappedColumn], o => ImageRow((ImageInfo)o)),
        Operation => (["Id", "Kind", "Vm", "State", "Step", "Updated", WrappedColumn], o => OperationRow((Operation)o)),
        IaaSContext => (["Name", "Current", "Provider", "Hypervisor", "Path"], o => ContextRow((IaaSContext)o)),
        _ => throw new ArgumentOutOfRangeException(nameof(sample)),
    };

    private static string[] MachineRow(VirtualMachine m) =>
    [
        m.Name, m.State.ToString(), m.Cpu.ToString(CultureInfo.InvariantCulture), ByteSize.Format(m.Memory), m.Firmware.ToString(),
        ByteSize.Format(m.Disks.Sum(d => d.Length)), Time(m.Started), m.StateReason ?? (m.BootVerified ? $"alive: {m.BootEvidence}" : ""),
    ];

    private static string[] ImageRow(ImageInfo i) =>
    [
        i.ToString(), i.Format, i.Variant, ByteSize.Format(i.Length), ByteSize.Format(i.DataLength),
        i.PartitionScheme == "None" ? "none" : $"{i.PartitionCount} ({i.PartitionScheme})", i.Firmware.ToString(), string.Join(' ', i.Warnings),
    ];

    private static string[] OperationRow(Operation o) =>
        [o.Id.ToString(), o.Kind, o.VmName, o.State.ToString(), o.Step ?? "", Time(o.Updated), o.Error ?? ""];

    private static string[] ContextRow(IaaSContext c) => [c.Name, c.IsCurrent ? "*" : "", c.Provider, c.Hypervisor.ToString(), c.Path];

    private static string Time(DateTimeOffset? time) => time?.ToLocalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture) ?? "";
}
