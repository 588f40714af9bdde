using System.Globalization;
using System.Xml.Linq;

namespace AzureIaaS.Appliances;

/// <summary>
/// The Open Virtualization Format (DMTF DSP0243), versions 1 and 2, and the one before them, whose sections say by xsi:type what they are.
/// Namespaces are not looked at: writers differ in them, and the local names are enough.
/// </summary>
internal sealed class OvfFormat : DescriptionFormat
{
    /// <inheritdoc/>
    public override string Name => "ovf";

    /// <inheritdoc/>
    public override bool IsMine(string extension, string start) => extension == ".ovf" || SafeXml.RootName(start) == "Envelope";

    /// <inheritdoc/>
    public override MachineDescription Parse(string path, byte[] bytes) => ParseSystem(path, bytes, null);

    /// <summary>Reads one machine of an envelope.</summary>
    /// <param name="path">The file, for messages.</param>
    /// <param name="bytes">Its content.</param>
    /// <param name="system">The machine's name or id; null where there is one.</param>
    /// <exception cref="IaaSException">It is damaged, has several machines and none was named, or has not the one that was.</exception>
    public static MachineDescription ParseSystem(string path, byte[] bytes, string? system)
    {
        var envelope = SafeXml.Parse(path, bytes);
        if (envelope.Name.LocalName != "Envelope")
            throw Invalid(path, $"an OVF description is an Envelope, and this is a {envelope.Name.LocalName}");
        var systems = envelope.Descendants().Where(e => KindOf(e) == "VirtualSystem").ToList();
        if (systems.Count == 0)
            throw Invalid(path, "it describes no machine: there is no VirtualSystem");
        var chosen = system is null ? systems : [.. systems.Where(s => s.Attr("id") == system || NameOf(s).Equals(system, StringComparison.OrdinalIgnoreCase))];
        if (chosen.Count == 0)
        {
            throw new IaaSException(ErrorKind.NotFound, "SystemNotFound", $"{path}: it describes no machine '{system}', but {string.Join(", ", systems.Select(NameOf))}.",
                "Name one of those with -System.", path);
        }

        if (chosen.Count > 1)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "SeveralSystems", $"{path}: it describes {chosen.Count} machines: {string.Join(", ", chosen.Select(s => $"{NameOf(s)} ({s.Attr("id")})"))}.",
                "Name the one to import with -System, by its name or id.", path);
        }

        return new OvfMachine(path, envelope, chosen[0]).Read();
    }

    /// <summary>What an element is: its local name, or for a Section or Content of the old version what its xsi:type says.</summary>
    /// <param name="element">The element.</param>
    internal static string KindOf(XElement element)
    {
        var name = element.Name.LocalName;
        if (name is not ("Section" or "Content") || element.Attr("type") is not { } type)
            return name;
        type = type[(type.IndexOf(':', StringComparison.Ordinal) + 1)..];
        return type.EndsWith("_Type", StringComparison.Ordinal) ? type[..^5] : type;
    }

    /// <summary>The children that are of a kind.</summary>
    /// <param name="element">The parent.</param>
    /// <param name="kind">The kind.</param>
    internal static IEnumerable<XElement> Sections(XElement element, string kind) => element.Elements().Where(e => KindOf(e) == kind);

    /// <summary>The name of a virtual system: its Name, or its id.</summary>
    /// <param name="system">The system.</param>
    internal static string NameOf(XElement system) => system.Text("Name") is { Length: > 0 } name ? name : system.Attr("id") ?? "";

    /// <summary>A number of units as bytes ("Units of measure", DSP0004 Annex C): <c>byte * 2^20</c>, and the words that VMware used before.</summary>
    /// <param name="quantity">The number.</param>
    /// <param name="units">The units.</param>
    /// <returns>The bytes; null if the units are not understood or the number is too large.</returns>
    internal static long? Bytes(string? quantity, string? units)
    {
        if (!decimal.TryParse(quantity, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
            return null;
        units = (units ?? "byte").Replace(" ", "", StringComparison.Ordinal).ToUpperInvariant();
        long? factor = units switch
        {
            "" or "BYTE" or "BYTES" => 1,
            "KILOBYTE" or "KILOBYTES" or "KB" => 1L << 10,
            "MEGABYTE" or "MEGABYTES" or "MB" => 1L << 20,
            "GIGABYTE" or "GIGABYTES" or "GB" => 1L << 30,
            _ when units.StartsWith("BYTE*2^", StringComparison.Ordinal) && int.TryParse(units.AsSpan(7), NumberStyles.None, CultureInfo.InvariantCulture, out var bits)
                && bits <= 60 => 1L << bits,
            _ when units.StartsWith("BYTE*10^", StringComparison.Ordinal) && int.TryParse(units.AsSpan(8), NumberStyles.None, CultureInfo.InvariantCulture, out var digits)
                && digits <= 18 => (long)Math.Pow(10, digits),
            _ => null,
        };
        return factor is { } f && number <= long.MaxValue / f ? (long)(number * f) : null;
    }
}
