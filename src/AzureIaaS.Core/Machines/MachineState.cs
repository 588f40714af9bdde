using System.Text.Json.Serialization;

namespace AzureIaaS;

/// <summary>The state of a machine; one value, always filled, the same on every provider. What is displayed is this value.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<MachineState>))]
public enum MachineState
{
    /// <summary>Its process or cloud does not answer, so nothing true can be said about it.</summary>
    Unknown,

    /// <summary>Not running, and no capacity is kept for it. The state after import, and after Stop.</summary>
    Deallocated,

    /// <summary>Not running, and its capacity stays reserved: stopped with -StayProvisioned, or powered off by the guest itself.</summary>
    Stopped,

    /// <summary>Being started.</summary>
    Starting,

    /// <summary>Its virtual processors run.</summary>
    Running,

    /// <summary>Halted between two instructions because the host's disk is full; goes on by Resume.</summary>
    Paused,

    /// <summary>Being stopped.</summary>
    Stopping,

    /// <summary>Not running, with its memory saved on disk; goes on by Resume.</summary>
    Suspended,

    /// <summary>On its way from one host to another.</summary>
    Moving,

    /// <summary>Lost its process or host, and is being brought back.</summary>
    Healing,

    /// <summary>Ended by a fault; the reason says which.</summary>
    Failed,
}

/// <summary>What can be said of a state without knowing more.</summary>
public static class MachineStates
{
    /// <summary>Whether a machine in this state should have a process, here or in the cloud.</summary>
    /// <param name="state">The state.</param>
    public static bool IsActive(this MachineState state) => state is MachineState.Starting or MachineState.Running or MachineState.Paused
        or MachineState.Stopping or MachineState.Moving or MachineState.Healing or MachineState.Unknown;
}

/// <summary>The firmware that a machine boots with.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Firmware>))]
public enum Firmware
{
    /// <summary>Not known; decided from the disk's partition table.</summary>
    Unknown,

    /// <summary>A PC BIOS: generation 1.</summary>
    Bios,

    /// <summary>UEFI: generation 2.</summary>
    Uefi,
}

/// <summary>The family of an operating system, as far as a place must know it.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<GuestOSType>))]
public enum GuestOSType
{
    /// <summary>Not known.</summary>
    Unknown,

    /// <summary>Windows.</summary>
    Windows,

    /// <summary>Linux, and whatever else is not Windows.</summary>
    Linux,
}

/// <summary>The controller that a disk is attached to, as the guest sees it.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DiskController>))]
public enum DiskController
{
    /// <summary>Not said; the provider takes what an untouched guest most likely boots from.</summary>
    Unknown,

    /// <summary>IDE (PIIX); every operating system since the nineties has its driver.</summary>
    Ide,

    /// <summary>SATA (AHCI).</summary>
    Sata,

    /// <summary>LSI Logic SAS 1068, as VMware offers it.</summary>
    LsiSas,

    /// <summary>VMware paravirtual SCSI.</summary>
    Pvscsi,

    /// <summary>virtio SCSI.</summary>
    VirtioScsi,

    /// <summary>virtio block.</summary>
    VirtioBlk,

    /// <summary>NVMe.</summary>
    Nvme,
}
