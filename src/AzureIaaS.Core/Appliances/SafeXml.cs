using System.Xml;
using System.Xml.Linq;

namespace AzureIaaS.Appliances;

/// <summary>Reads XML that anyone may have written: without DTDs, without entities from elsewhere, no deeper than any real document.</summary>
internal static class SafeXml
{
    private const int MaxDepth = 200;

    /// <summary>Reads a document.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="bytes">Its content.</param>
    /// <exception cref="IaaSException">It is no XML, or uses what is refused.</exception>
    public static XElement Parse(string path, byte[] bytes)
    {
        // Decoded here, not by the reader: files that say UTF-16 and are not are common.
        var text = DescriptionFormat.TextOf(bytes).TrimEnd('\0');
        var settings = new XmlReaderSettings { DtdProcessing = DtdProcessing.Prohibit, XmlResolver = null, MaxCharactersInDocument = DescriptionFormat.MaxLength };
        try
        {
            using (var depth = XmlReader.Create(new StringReader(text), settings))
            {
                while (depth.Read())
                {
                    if (depth.Depth > MaxDepth)
                        throw DescriptionFormat.Invalid(path, $"its elements are nested more than {MaxDepth} deep");
                }
            }

            using var reader = XmlReader.Create(new StringReader(text), settings);
            return XDocument.Load(reader).Root!;
        }
        catch (XmlException e)
        {
            throw DescriptionFormat.Invalid(path, $"it is not readable as XML: {e.Message.TrimEnd('.')}", e);
        }
    }

    /// <summary>The name of a document's first element, by the look of its start; null if there is none.</summary>
    /// <param name="start">The document's first characters.</param>
    public static string? RootName(string start)
    {
        for (var at = start.IndexOf('<', StringComparison.Ordinal); at >= 0 && at < start.Length - 1; at = start.IndexOf('<', at + 1))
        {
            if (start.AsSpan(at).StartsWith("<!--"))
            {
                at = start.IndexOf("-->", at, StringComparison.Ordinal);
                if (at < 0)
                    return null;
            }
            else if (start[at + 1] is not ('?' or '!'))
            {
                var end = start.IndexOfAny([' ', '>', '/', '\r', '\n', '\t'], at + 1);
                var name = end < 0 ? start[(at + 1)..] : start[(at + 1)..end];
                return name[(name.IndexOf(':', StringComparison.Ordinal) + 1)..];
            }
        }

        return null;
    }

    /// <summary>The children of a local name, whatever their namespace.</summary>
    /// <param name="element">The parent.</param>
    /// <param name="name">The local name.</param>
    public static IEnumerable<XElement> Children(this XElement element, string name) => element.Elements().Where(e => e.Name.LocalName == name);

    /// <summary>The first child of a local name, or null.</summary>
    /// <param name="element">The parent.</param>
    /// <param name="name">The local name.</param>
    public static XElement? Child(this XElement? element, string name) => element?.Children(name).FirstOrDefault();

    /// <summary>An attribute by its local name, or null.</summary>
    /// <param name="element">The element.</param>
    /// <param name="name">The local name.</param>
    public static string? Attr(this XElement? element, string name) => element?.Attributes().FirstOrDefault(a => a.Name.LocalName == name)?.Value;

    /// <summary>A child's text without white space around it, or null.</summary>
    /// <param name="element">The parent.</param>
    /// <param name="name">The child's local name.</param>
    public static string? Text(this XElement? element, string name) => element.Child(name)?.Value.Trim();
}
