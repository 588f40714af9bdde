namespace AzureIaaS;

/// <summary>The state of a machine that was kept under a name: its disks, and its memory if that was asked for.</summary>
public sealed class VmCheckpoint
{
    /// <summary>The checkpoint's identity.</summary>
    public Guid Id { get; set; }

    /// <summary>Its name, unique in its machine in any case of letters.</summary>
    public string Name { get; set; } = "";

    /// <summary>When it was taken.</summary>
    public DateTimeOffset Created { get; set; }

    /// <summary>The checkpoint that the machine went on from when this one was taken; null when it went on from none.</summary>
    public Guid? ParentId { get; set; }

    /// <summary>Whether the memory was kept too, so that restoring it goes on in the middle of the run.</summary>
    public bool HasMemory { get; set; }

    /// <summary>The number of virtual processors the machine had.</summary>
    public int Cpu { get; set; }

    /// <summary>The memory the machine had, in bytes.</summary>
    public long Memory { get; set; }

    /// <summary>Whether it belongs to a rehearsal that is under way, which removes it at its end.</summary>
    public bool IsTemporary { get; set; }

    /// <summary>The machine's id.</summary>
    public Guid VmId { get; set; }

    /// <summary>The machine's name.</summary>
    public string VmName { get; set; } = "";

    /// <summary>The name of the context.</summary>
    public string Context { get; set; } = "";

    /// <summary>The checkpoint's name.</summary>
    public override string ToString() => Name;
}

/// <summary>What a command in a guest did.</summary>
public sealed class VmCommandResult
{
    /// <summary>The machine's name.</summary>
    public string VmName { get; set; } = "";

    /// <summary>The machine's id.</summary>
    public Guid VmId { get; set; }

    /// <summary>The command's exit code; null when it was ended by a signal, or did not end in time.</summary>
    public int? ExitCode { get; set; }

    /// <summary>What it wrote to its standard output, whole.</summary>
    public string Output { get; set; } = "";

    /// <summary>What it wrote to its standard error, whole.</summary>
    public string Error { get; set; } = "";

    /// <summary>How long it ran.</summary>
    public TimeSpan Duration { get; set; }

    /// <summary>Whether it had not ended when its time was over.</summary>
    public bool TimedOut { get; set; }
}
