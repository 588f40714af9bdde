using System.Collections;
using System.Management.Automation;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Set-IaaSVm: changes machines.</summary>
[Cmdlet(VerbsCommon.Set, "IaaSVm", SupportsShouldProcess = true)]
[OutputType(typeof(VirtualMachine))]
public sealed class SetVmCommand : VmActionCmdlet
{
    /// <summary>The number of virtual processors; needs a stop.</summary>
    [Parameter]
    public int? Cpu { get; set; }

    /// <summary>The guest's memory in bytes, or with a unit; needs a stop.</summary>
    [Parameter]
    [ByteSize]
    public long? Memory { get; set; }

    /// <summary>In Azure: the size, such as Standard_D4s_v5; needs a stop.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Size { get; set; }

    /// <summary>The availability set; empty for none. Counts from the next placement on.</summary>
    [Parameter]
    [AllowEmptyString]
    public string? AvailabilitySet { get; set; }

    /// <summary>When it comes back after the loss of a host: smaller numbers first.</summary>
    [Parameter]
    public int? StartOrder { get; set; }

    /// <summary>Words of the user's own, by name; they replace those there are.</summary>
    [Parameter]
    public Hashtable? Tag { get; set; }

    private protected override string ActionName => "Change";

    private protected override Task<VirtualMachine?> ActAsync(IaaSSession session, VirtualMachine machine, CancellationToken cancellation)
    {
        var change = new MachineChange
        {
            Cpu = Cpu,
            Memory = Memory,
            Size = Size,
            AvailabilitySet = MyInvocation.BoundParameters.ContainsKey(nameof(AvailabilitySet)) ? AvailabilitySet ?? "" : null,
            StartOrder = StartOrder,
            Tags = Tag?.Cast<DictionaryEntry>().ToDictionary(t => t.Key.ToString()!, t => t.Value?.ToString() ?? ""),
        };
        return Nullable(Ability.Of<IMachineEditor>(session, "changes to machines").ChangeAsync(machine.Id, change, cancellation));
    }

    internal static async Task<VirtualMachine?> Nullable(Task<VirtualMachine> task) => await task;
}

/// <summary>Move-IaaSVm: takes machines to another host.</summary>
[Cmdlet(VerbsCommon.Move, "IaaSVm", SupportsShouldProcess = true)]
[OutputType(typeof(VirtualMachine))]
public sealed class MoveVmCommand : VmActionCmdlet
{
    /// <summary>The host to go to; placement chooses when left out.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(HostCompleter))]
    public string? TargetHost { get; set; }

    private protected override string ActionName => TargetHost is null ? "Move to another host" : $"Move to {TargetHost}";

    private protected override Task<VirtualMachine?> ActAsync(IaaSSession session, VirtualMachine machine, CancellationToken cancellation) =>
        SetVmCommand.Nullable(Ability.Of<IMoveProvider>(session, "moves between hosts").MoveAsync(machine.Id, TargetHost, Output, cancellation));
}

/// <summary>Suspend-IaaSVm: saves the memory of machines on disk and lets their processes go.</summary>
[Cmdlet(VerbsLifecycle.Suspend, "IaaSVm", SupportsShouldProcess = true)]
[OutputType(typeof(VirtualMachine))]
public sealed class SuspendVmCommand : VmActionCmdlet
{
    private protected override string ActionName => "Suspend";

    private protected override Task<VirtualMachine?> ActAsync(IaaSSession session, VirtualMachine machine, CancellationToken cancellation) =>
        SetVmCommand.Nullable(Ability.Of<ISuspendProvider>(session, "suspension").SuspendAsync(machine.Id, Output, cancellation));
}

/// <summary>Add-IaaSVmDisk: adds an empty disk to machines.</summary>
[Cmdlet(VerbsCommon.Add, "IaaSVmDisk", SupportsShouldProcess = true)]
[OutputType(typeof(VirtualMachine))]
public sealed class AddVmDiskCommand : VmActionCmdlet
{
    /// <summary>The disk's size in bytes, or with a unit.</summary>
    [Parameter(Mandatory = true, Position = 1)]
    [ByteSize]
    public long? Size { get; set; }

    /// <summary>The disk's controller; chosen when left out.</summary>
    [Parameter]
    public DiskController DiskController { get; set; }

    private protected override string ActionName => $"Add a disk of {ByteSize.Format(Size ?? 0)}";

    private protected override Task<VirtualMachine?> ActAsync(IaaSSession session, VirtualMachine machine, CancellationToken cancellation) =>
        SetVmCommand.Nullable(Ability.Of<IMachineEditor>(session, "changes to machines").AddDiskAsync(machine.Id, Size ?? 0, DiskController, cancellation));
}

/// <summary>Get-IaaSVmDisk: lists the disks of machines.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSVmDisk")]
[OutputType(typeof(VirtualDisk))]
public sealed class GetVmDiskCommand : VmPartsCmdlet
{
    private protected override void Process(IaaSSession session, VirtualMachine machine)
    {
        foreach (var disk in machine.Disks)
        {
            var item = PSObject.AsPSObject(disk);
            item.Properties.Add(new PSNoteProperty("VmName", machine.Name));
            item.Properties.Add(new PSNoteProperty("VmId", machine.Id));
            item.Properties.Add(new PSNoteProperty("Context", session.Context.Name));
            WriteObject(item);
        }
    }
}

/// <summary>Remove-IaaSVmDisk: removes a disk from machines.</summary>
[Cmdlet(VerbsCommon.Remove, "IaaSVmDisk", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(VirtualMachine))]
public sealed class RemoveVmDiskCommand : VmCmdlet
{
    /// <summary>The disk's name: disk1, disk2, ...; not needed for disks that are piped in.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(DiskCompleter))]
    public string? DiskName { get; set; }

    /// <summary>Keep the disk's file.</summary>
    [Parameter]
    public SwitchParameter KeepFile { get; set; }

    private protected override void Process(IaaSSession session, VirtualMachine machine)
    {
        var disk = DiskName ?? Part ?? throw new IaaSException(ErrorKind.InvalidArgument, "DiskNameMissing", $"No disk of {machine.Name} was named.",
            "Give -DiskName, or pipe disks from Get-IaaSVmDisk.", machine.Name);
        if (!ShouldProcess(machine.Name, KeepFile ? $"Take {disk} away" : $"Take {disk} away and delete it"))
            return;
        Begin(machine.Name, async c => Output.Write(session.Mark(
            await Ability.Of<IMachineEditor>(session, "changes to machines").RemoveDiskAsync(machine.Id, disk, KeepFile, c))));
    }
}
