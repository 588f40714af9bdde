namespace AzureIaaS.PowerShell;

/// <summary>What the format views call: formatting is code with tests, not script inside XML.</summary>
#pragma warning disable CA1707 // the underscore keeps it out of completions
public static class _Format
#pragma warning restore CA1707
{
    /// <summary>A size in the largest unit that fits.</summary>
    /// <param name="bytes">The size in bytes.</param>
    public static string Size(long bytes) => ByteSize.Format(bytes);

    /// <summary>The sum of a machine's disks.</summary>
    /// <param name="machine">The machine.</param>
    public static string Disks(VirtualMachine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return ByteSize.Format(machine.Disks.Sum(d => d.Length));
    }

    /// <summary>Why a machine is in its state, or what its guest has shown of itself.</summary>
    /// <param name="machine">The machine.</param>
    public static string Note(VirtualMachine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        return machine.StateReason ?? (machine.BootVerified ? $"alive: {machine.BootEvidence}" : "");
    }
}
