using System.Text.Json;

namespace AzureIaaS.Local.Hypervisors.Qemu.Qmp;

/// <summary>A message from QEMU's monitor (QMP specification, section 2).</summary>
internal abstract record QmpMessage
{
    /// <summary>The server's greeting, the first message of a connection (section 2.2).</summary>
    /// <param name="Version">The version, such as <c>7.2.9</c>.</param>
    public sealed record Greeting(string Version) : QmpMessage;

    /// <summary>A command's success (section 2.4.1).</summary>
    /// <param name="Id">The id that the command was sent with; null when there was none.</param>
    /// <param name="Value">What it returns.</param>
    public sealed record Return(long? Id, JsonElement Value) : QmpMessage;

    /// <summary>A command's failure (section 2.4.2).</summary>
    /// <param name="Id">The id that the command was sent with; null when there was none.</param>
    /// <param name="Class">The error's class, such as <c>GenericError</c>.</param>
    /// <param name="Description">The error in QEMU's words.</param>
    public sealed record Error(long? Id, string Class, string Description) : QmpMessage;

    /// <summary>Something that happened (section 2.5).</summary>
    /// <param name="Name">The event's name, such as <c>SHUTDOWN</c>.</param>
    /// <param name="Data">What belongs to it; undefined where there is nothing.</param>
    public sealed record Event(string Name, JsonElement Data) : QmpMessage
    {
        /// <summary>A text of the event's data; null where there is none of that name.</summary>
        /// <param name="name">The name.</param>
        public string? Text(string name) =>
            Data.ValueKind == JsonValueKind.Object && Data.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }
}
