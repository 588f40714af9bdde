using System.Text.Json;
using System.Text.Json.Serialization;
using AzureIaaS.Local.Processes;

namespace AzureIaaS.Local;

/// <summary>What this provider notes about a machine beside what everyone may know.</summary>
internal sealed record MachineNotes
{
    /// <summary>Its process; null while it has none.</summary>
    public ProcessIdentity? Process { get; init; }

    /// <summary>The version of its virtual hardware, from its first start on: a newer QEMU must not change the hardware under a guest.</summary>
    public string? MachineType { get; init; }

    /// <summary>Where in the console's log its present run begins, in bytes.</summary>
    public long ConsoleStart { get; init; }

    /// <summary>Reads the notes of a stored machine.</summary>
    /// <param name="stored">The machine.</param>
    public static MachineNotes Of(StoredMachine stored) => JsonSerializer.Deserialize(stored.ProviderData, MachineNotesJson.Default.MachineNotes) ?? new MachineNotes();

    /// <summary>The notes as the store keeps them.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, MachineNotesJson.Default.MachineNotes);
}

/// <summary>How notes are written.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MachineNotes))]
internal sealed partial class MachineNotesJson : JsonSerializerContext;
