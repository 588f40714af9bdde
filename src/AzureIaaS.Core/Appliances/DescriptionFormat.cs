using System.Text;

namespace AzureIaaS.Appliances;

/// <summary>A kind of machine description: how to tell it, and how to read it. What exists is the one list <see cref="Known"/>, in probe order.</summary>
internal abstract class DescriptionFormat
{
    /// <summary>Longer than any real description: vCenter's OVF files with their properties have a few hundred kilobytes.</summary>
    public const int MaxLength = 16 << 20;

    /// <summary>Every kind there is.</summary>
    public static IReadOnlyList<DescriptionFormat> Known { get; } = [new OvfFormat(), new VmxFormat(), new VboxFormat(), new LibvirtFormat(), new HyperVXmlFormat(), new VmcxFormat()];

    /// <summary>The short name.</summary>
    public abstract string Name { get; }

    /// <summary>Whether a file is of this kind.</summary>
    /// <param name="extension">Its extension in lower case, with the dot.</param>
    /// <param name="start">Its first characters.</param>
    public abstract bool IsMine(string extension, string start);

    /// <summary>Reads a description. It opens no other file.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="bytes">Its content.</param>
    /// <exception cref="IaaSException">It is damaged, or describes what cannot be imported.</exception>
    public abstract MachineDescription Parse(string path, byte[] bytes);

    /// <summary>The kind of a file; null if it is no description.</summary>
    /// <param name="extension">Its extension in lower case, with the dot.</param>
    /// <param name="head">Its first bytes.</param>
    public static DescriptionFormat? Find(string extension, ReadOnlySpan<byte> head)
    {
        var start = TextOf(head[..Math.Min(head.Length, 8 << 10)]);
        return Known.FirstOrDefault(f => f.IsMine(extension, start));
    }

    /// <summary>Text in whatever encoding its bytes show: UTF-16 with or without a mark, UTF-8, or else Latin-1.</summary>
    /// <param name="bytes">The bytes.</param>
    public static string TextOf(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length >= 2 && (bytes.StartsWith((byte[])[0xFF, 0xFE]) || (bytes[0] != 0 && bytes[1] == 0)))
            return Encoding.Unicode.GetString(bytes[..(bytes.Length & ~1)]).TrimStart('\uFEFF');
        if (bytes.Length >= 2 && (bytes.StartsWith((byte[])[0xFE, 0xFF]) || (bytes[0] == 0 && bytes[1] != 0)))
            return Encoding.BigEndianUnicode.GetString(bytes[..(bytes.Length & ~1)]).TrimStart('\uFEFF');
        try
        {
            return new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(bytes).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException)
        {
            return Encoding.Latin1.GetString(bytes);
        }
    }

    /// <summary>Says that a description is wrong.</summary>
    /// <param name="path">The file.</param>
    /// <param name="problem">What is wrong, as half a sentence.</param>
    /// <param name="inner">What caused it.</param>
    public static IaaSException Invalid(string path, string problem, Exception? inner = null) =>
        new(ErrorKind.InvalidData, "DescriptionInvalid", $"{path}: {problem}.", "Export the machine again; or import its disks by themselves.", path, inner);

    /// <summary>Says that a description is of something that is not imported.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What it is, as half a sentence.</param>
    /// <param name="remedy">What to do instead.</param>
    public static IaaSException NotSupported(string path, string what, string remedy) =>
        new(ErrorKind.NotSupported, "DescriptionNotSupported", $"{path}: {what}.", remedy, path);
}
