using System.Text.Json;
using System.Text.Json.Serialization;

namespace AzureIaaS.Local.Imports;

/// <summary>How far the copies of a linked machine's images are: written by the process that makes them, read by whoever looks. It may be lost; it is only for looking.</summary>
internal sealed record LinkStatus
{
    /// <summary>How many bytes of each disk have been passed, by disk.</summary>
    public IReadOnlyDictionary<string, long> Copied { get; init; } = new Dictionary<string, long>();

    /// <summary>Why an image cannot be read, by disk, each as a sentence.</summary>
    public IReadOnlyDictionary<string, string> Problems { get; init; } = new Dictionary<string, string>();

    /// <summary>Why an image that can be read is not copied, by disk, each as a sentence.</summary>
    public IReadOnlyDictionary<string, string> Failures { get; init; } = new Dictionary<string, string>();

    /// <summary>Reads it; what is not there, or only half, says nothing.</summary>
    /// <param name="path">The file.</param>
    public static LinkStatus Read(string path)
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(path), LinkStatusJson.Default.LinkStatus) ?? new LinkStatus();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException)
        {
            return new LinkStatus();
        }
    }

    /// <summary>Writes it, in one step.</summary>
    /// <param name="path">The file.</param>
    public void Write(string path)
    {
        File.WriteAllBytes(path + ".new", JsonSerializer.SerializeToUtf8Bytes(this, LinkStatusJson.Default.LinkStatus));
        File.Move(path + ".new", path, overwrite: true);
    }
}

/// <summary>How it is written.</summary>
[JsonSerializable(typeof(LinkStatus))]
internal sealed partial class LinkStatusJson : JsonSerializerContext;
