using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace AzureIaaS.Local.Hypervisors.Qemu.Qmp;

/// <summary>
/// The monitor's protocol as bytes in and messages out; the socket is elsewhere. Messages are lines of JSON. A line is bounded: QEMU is not
/// trusted either, since its guest may have taken it over.
/// </summary>
internal sealed class QmpCodec
{
    private const int LongestLine = 8 << 20;

    private static readonly string[] VersionParts = ["major", "minor", "micro"];

    private readonly ArrayBufferWriter<byte> _pending = new();

    /// <summary>Takes bytes as they arrive, in pieces of any size.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <returns>The messages they complete, in order.</returns>
    /// <exception cref="IaaSException">They are not the protocol.</exception>
    public IReadOnlyList<QmpMessage> Receive(ReadOnlySpan<byte> bytes)
    {
        var messages = new List<QmpMessage>();
        while (bytes.IndexOf((byte)'\n') is var end and >= 0)
        {
            if (_pending.WrittenCount == 0)
            {
                Add(messages, bytes[..end]);
            }
            else
            {
                _pending.Write(bytes[..end]);
                Add(messages, _pending.WrittenSpan);
                _pending.ResetWrittenCount();
            }

            bytes = bytes[(end + 1)..];
        }

        if (_pending.WrittenCount + bytes.Length > LongestLine)
            throw Malformed($"a line of more than {LongestLine} bytes", null);
        _pending.Write(bytes);
        return messages;
    }

    /// <summary>Writes a command.</summary>
    /// <param name="command">The command's name.</param>
    /// <param name="arguments">Its arguments; null for none.</param>
    /// <param name="id">What its answer will be known by.</param>
    public static byte[] Encode(string command, JsonObject? arguments, long id)
    {
        var message = new JsonObject { ["execute"] = command, ["id"] = id };
        if (arguments is not null)
            message["arguments"] = arguments.DeepClone();
        using var buffer = new MemoryStream();
        using (var writer = new Utf8JsonWriter(buffer))
            message.WriteTo(writer);
        buffer.Write("\r\n"u8);
        return buffer.ToArray();
    }

    private static void Add(List<QmpMessage> messages, ReadOnlySpan<byte> line)
    {
        line = line.Trim(" \r\t"u8);
        if (!line.IsEmpty)
            messages.Add(Parse(line));
    }

    private static QmpMessage Parse(ReadOnlySpan<byte> line)
    {
        JsonElement root;
        try
        {
            var reader = new Utf8JsonReader(line);
            root = JsonElement.ParseValue(ref reader);
        }
        catch (JsonException e)
        {
            throw Malformed("a line that is not JSON", e);
        }

        if (root.ValueKind != JsonValueKind.Object)
            throw Malformed("a line that is not an object", null);
        if (root.TryGetProperty("return", out var value))
            return new QmpMessage.Return(IdOf(root), value);
        if (root.TryGetProperty("error", out var error))
            return new QmpMessage.Error(IdOf(root), Text(error, "class"), Text(error, "desc"));
        if (root.TryGetProperty("event", out var name) && name.ValueKind == JsonValueKind.String)
            return new QmpMessage.Event(name.GetString()!, root.TryGetProperty("data", out var data) ? data : default);
        if (root.TryGetProperty("QMP", out var greeting))
            return new QmpMessage.Greeting(VersionOf(greeting));
        throw Malformed("a message of no known kind", null);
    }

    private static long? IdOf(JsonElement message) =>
        message.TryGetProperty("id", out var id) && id.ValueKind == JsonValueKind.Number && id.TryGetInt64(out var number) ? number : null;

    private static string Text(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()! : "";

    private static string VersionOf(JsonElement greeting)
    {
        if (greeting.ValueKind != JsonValueKind.Object || !greeting.TryGetProperty("version", out var version) || version.ValueKind != JsonValueKind.Object
            || !version.TryGetProperty("qemu", out var qemu) || qemu.ValueKind != JsonValueKind.Object)
            return "";
        return string.Join('.', VersionParts.Select(part => qemu.TryGetProperty(part, out var n) && n.TryGetInt32(out var number) ? number.ToString(CultureInfo.InvariantCulture) : "0"));
    }

    private static IaaSException Malformed(string what, Exception? inner) =>
        new(ErrorKind.Failed, "MonitorMalformed", $"QEMU's monitor sent {what}.",
            "Stop the machine with -Force and start it again; if it happens again, the QEMU on this machine is not usable.", null, inner);
}
