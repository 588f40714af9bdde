using System.Globalization;

namespace AzureIaaS.Disks.Vmdk;

/// <summary>A line of the descriptor's extent section: <c>RW 4192256 SPARSE "test-s001.vmdk"</c>.</summary>
/// <param name="Access">RW, RDONLY or NOACCESS.</param>
/// <param name="Sectors">The extent's size in sectors.</param>
/// <param name="Type">FLAT, SPARSE, ZERO, VMFS and so on.</param>
/// <param name="FileName">The file, relative to the descriptor; empty for ZERO.</param>
/// <param name="Offset">Where the extent starts in its file, in sectors.</param>
internal sealed record DescriptorExtent(string Access, ulong Sectors, string Type, string FileName, ulong Offset)
{
    private static readonly string[] Accesses = ["RW", "RDONLY", "NOACCESS"];

    /// <summary>Reads a line; null if it is not an extent's.</summary>
    /// <param name="line">The line.</param>
    public static DescriptorExtent? Parse(string line)
    {
        var words = line.Split((char[]?)null, 4, StringSplitOptions.RemoveEmptyEntries);
        if (words.Length < 3 || !Accesses.Contains(words[0].ToUpperInvariant())
            || !ulong.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out var sectors))
            return null;
        var name = "";
        ulong offset = 0;
        if (words.Length == 4)
        {
            var open = words[3].IndexOf('"', StringComparison.Ordinal);
            var close = words[3].LastIndexOf('"');
            if (open != 0 || close <= open)
                return null;
            name = words[3][(open + 1)..close];
            var rest = words[3][(close + 1)..].Trim().Split((char[]?)null)[0];
            if (rest.Length > 0 && !ulong.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out offset))
                return null;
        }

        return new DescriptorExtent(words[0].ToUpperInvariant(), sectors, words[2].ToUpperInvariant(), name, offset);
    }
}
