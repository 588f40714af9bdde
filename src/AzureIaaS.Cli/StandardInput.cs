using System.Text.Json;

namespace AzureIaaS.Cli;

/// <summary>What comes from a pipe: JSON objects a line each, as these commands and ConvertTo-Json -Compress print them, or plain names.</summary>
internal static class StandardInput
{
    private const int LongestLine = 1 << 20;

    /// <summary>The names or ids of the machines on standard input; nothing when it is a terminal.</summary>
    public static IEnumerable<string> References()
    {
        if (!Console.IsInputRedirected)
            yield break;
        while (Console.In.ReadLine() is { } line)
        {
            if (line.Length > LongestLine)
                throw new IaaSException(ErrorKind.InvalidData, "InputLineTooLong", "A line on standard input is far too long to name a machine.", "Pipe in what an iaas command printed.");
            if (!string.IsNullOrWhiteSpace(line))
                yield return ReferenceOf(line.Trim());
        }
    }

    private static string ReferenceOf(string line)
    {
        if (line[0] != '{')
            return line;
        try
        {
            using var document = JsonDocument.Parse(line);
            foreach (var name in new[] { "Id", "Name" })
            {
                if (document.RootElement.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String)
                    return value.GetString()!;
            }
        }
        catch (JsonException e)
        {
            throw new IaaSException(ErrorKind.InvalidData, "InputNotJson", $"A line on standard input is not JSON: {e.Message}", "Pipe in what an iaas command printed.", null, e);
        }

        throw new IaaSException(ErrorKind.InvalidData, "InputNotMachine", "A JSON object on standard input has neither an Id nor a Name.", "Pipe in what an iaas command printed.");
    }
}
