using System.Management.Automation;

namespace AzureIaaS.PowerShell;

/// <summary>
/// What a cmdlet takes for a machine: a name, a pattern, an id, a machine, or what has become of one on its way through a job, a file or
/// Select-Object. Bound by value only: by property name, a process would bind through its VM property.
/// </summary>
public sealed class VmReference
{
    /// <summary>A machine by name, pattern or id.</summary>
    /// <param name="reference">What was typed.</param>
    /// <exception cref="ArgumentException">It is empty.</exception>
    public VmReference(string reference)
    {
        if (string.IsNullOrWhiteSpace(reference))
            throw new ArgumentException("A machine's name cannot be empty. Get-IaaSVm shows the machines there are.");
        Reference = reference;
    }

    /// <summary>A machine by its id.</summary>
    /// <param name="id">The id.</param>
    public VmReference(Guid id) => Reference = id.ToString();

    /// <summary>A machine.</summary>
    /// <param name="machine">The machine.</param>
    public VmReference(VirtualMachine machine)
    {
        ArgumentNullException.ThrowIfNull(machine);
        Reference = machine.Id == Guid.Empty ? machine.Name : machine.Id.ToString();
        Context = machine.Context is { Length: > 0 } context ? context : null;
    }

    /// <summary>A machine that was serialized, or a row that names one.</summary>
    /// <param name="value">The object.</param>
    /// <exception cref="ArgumentException">It is something else.</exception>
    public VmReference(PSObject value)
    {
        ArgumentNullException.ThrowIfNull(value);
        if (PartOf(value) is { } part)
        {
            (Reference, Part) = part;
            Context = Text(value, "Context");
            return;
        }

        var isPlain = value.BaseObject is PSCustomObject or System.Collections.IDictionary;
        var name = isPlain ? Text(value, "Name") ?? Text(value, "VMName") : null;
        var id = Guid.TryParse(Text(value, "Id"), out var guid) && isPlain ? guid.ToString() : null;
        Reference = id ?? name ?? throw new ArgumentException(
            $"A {value.TypeNames.FirstOrDefault() ?? "value"} is no machine. Give a name, an id, a machine from Get-IaaSVm, or a row with a Name.");
        Context = id is null ? null : Text(value, "Context");
    }

    /// <summary>The name, pattern or id.</summary>
    public string Reference { get; }

    /// <summary>The name of the context that the machine said it lives in; null when it said nothing.</summary>
    public string? Context { get; }

    /// <summary>The checkpoint or disk of the machine that was given; null when the machine itself was.</summary>
    public string? Part { get; }

    /// <summary>The name, pattern or id.</summary>
    public override string ToString() => Reference;

    /// <summary>A checkpoint or a disk stands for its machine.</summary>
    private static (string Machine, string Part)? PartOf(PSObject value)
    {
        if (!Guid.TryParse(Text(value, "VmId"), out var machine))
            return null;
        bool Is(Type type) => value.TypeNames.Any(t => t == type.FullName || t == "Deserialized." + type.FullName);
        var part = Is(typeof(VmCheckpoint)) ? Text(value, "Id") : Is(typeof(VirtualDisk)) ? Text(value, "Name") : null;
        return part is null ? null : (machine.ToString(), part);
    }

    private static string? Text(PSObject value, string property) =>
        value.BaseObject is System.Collections.IDictionary table ? table[property]?.ToString()
        : value.Properties[property]?.Value?.ToString() is { Length: > 0 } text ? text : null;
}
