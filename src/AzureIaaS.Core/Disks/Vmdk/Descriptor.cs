using System.Globalization;
using System.Text;

namespace AzureIaaS.Disks.Vmdk;

/// <summary>
/// The descriptor: the text that says what a VMDK is and which extents make it up (VMware Virtual Disk Format 5.0, "The Descriptor File").
/// </summary>
internal sealed class Descriptor
{
    /// <summary>Longer than any real one, with room for a disk in hundreds of pieces.</summary>
    public const int MaxLength = 1 << 20;

    /// <summary>The <see cref="ParentCid"/> of a disk without a parent.</summary>
    public const uint NoParent = uint.MaxValue;

    private readonly Dictionary<string, string> _values;

    private Descriptor(Dictionary<string, string> values, IReadOnlyList<DescriptorExtent> extents, uint? cid, uint parentCid, string createType)
    {
        _values = values;
        Extents = extents;
        Cid = cid;
        ParentCid = parentCid;
        CreateType = createType;
    }

    /// <summary>How a descriptor file starts; case and white space vary.</summary>
    public static string FirstLine => "# Disk DescriptorFile";

    /// <summary>The content's identity, changed whenever the disk is first written to; null where the descriptor has none.</summary>
    public uint? Cid { get; }

    public uint ParentCid { get; }

    /// <summary>The kind of disk: <c>monolithicSparse</c>, <c>streamOptimized</c> and so on.</summary>
    public string CreateType { get; }

    public IReadOnlyList<DescriptorExtent> Extents { get; }

    /// <summary>Whether the disk is encrypted, by any of the keys that say so.</summary>
    public bool IsEncrypted => _values.Keys.Any(k =>
        k.StartsWith("encryption", StringComparison.OrdinalIgnoreCase) || k.EndsWith("keySafe", StringComparison.OrdinalIgnoreCase));

    /// <summary>Whether a file's first bytes are a descriptor's.</summary>
    /// <param name="head">The first bytes.</param>
    public static bool IsAt(ReadOnlySpan<byte> head)
    {
        var text = Encoding.Latin1.GetString(head[..Math.Min(head.Length, 256)]);
        if (text.StartsWith("\u00EF\u00BB\u00BF", StringComparison.Ordinal))
            text = text[3..];
        return text.TrimStart().StartsWith(FirstLine, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>A value by its key, in any case; null where there is none.</summary>
    /// <param name="key">The key, such as <c>ddb.adapterType</c>.</param>
    public string? this[string key] => _values.GetValueOrDefault(key);

    /// <summary>Reads a descriptor.</summary>
    /// <param name="path">The file it is in, for messages.</param>
    /// <param name="at">Where it is in the file.</param>
    /// <param name="bytes">The text; an embedded one ends at its first zero.</param>
    /// <exception cref="DiskImageException">It does not say what a disk must say.</exception>
    public static Descriptor Parse(string path, long at, ReadOnlySpan<byte> bytes)
    {
        var end = bytes.IndexOf((byte)0);
        var values = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        var extents = new List<DescriptorExtent>();
        foreach (var raw in Text(end < 0 ? bytes : bytes[..end]).Split('\n'))
        {
            var line = raw.Trim();
            if (line.Length == 0 || line[0] == '#')
                continue;
            var equals = line.IndexOf('=', StringComparison.Ordinal);
            if (DescriptorExtent.Parse(line) is { } extent)
                extents.Add(extent);
            else if (equals > 0)
                values[line[..equals].TrimEnd()] = line[(equals + 1)..].Trim().Trim('"');
        }

        if (!values.TryGetValue("createType", out var createType) || createType.Length == 0)
            throw DiskErrors.Corrupt(path, at, "the VMDK descriptor does not say what it describes: it has no createType");
        var parent = Hexadecimal(path, at, values, "parentCID") ?? NoParent;
        return new Descriptor(values, extents, Hexadecimal(path, at, values, "CID"), parent, createType);
    }

    private static uint? Hexadecimal(string path, long at, Dictionary<string, string> values, string key)
    {
        if (!values.TryGetValue(key, out var text))
            return null;
        return uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw DiskErrors.Corrupt(path, at, $"the VMDK descriptor's {key} is '{Shortened(text)}', which is no hexadecimal number");
    }

    private static string Shortened(string text) => text.Length > 40 ? text[..40] + "..." : text;

    /// <summary>File names are in UTF-8, or in the code page of a machine that is not asked; the names still match where they are ASCII.</summary>
    private static string Text(ReadOnlySpan<byte> bytes)
    {
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            return Encoding.Latin1.GetString(bytes);
        }
    }
}
