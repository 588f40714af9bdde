using System.Globalization;

namespace AzureIaaS.Networks;

/// <summary>Hardware addresses of adapters. A machine keeps the one it had, for licences and configurations are bound to it, unless another machine has it already.</summary>
public static class MacAddress
{
    private const int Bytes = 6;
    private const int Attempts = 256;

    /// <summary>An address in the one form that is used everywhere: <c>52:54:00:12:34:56</c>.</summary>
    /// <param name="text">It in any of the usual forms: with colons, hyphens, dots or nothing between.</param>
    /// <returns>The address; null when it is none that an adapter can have.</returns>
    public static string? Normalize(string? text)
    {
        var digits = text is null ? "" : string.Concat(text.Where(c => c is not (':' or '-' or '.')));
        if (digits.Length != 2 * Bytes || !ulong.TryParse(digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number) || !IsUsable(number))
            return null;
        return Format(number);
    }

    /// <summary>An address as a number, its first byte the highest of six.</summary>
    /// <param name="normal">The address in the form of <see cref="Normalize"/>.</param>
    public static ulong ToNumber(string normal)
    {
        ArgumentNullException.ThrowIfNull(normal);
        return ulong.Parse(normal.Replace(":", "", StringComparison.Ordinal), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture);
    }

    /// <summary>The address for an adapter: its own where nobody else has it, else one made of the machine's id.</summary>
    /// <param name="source">The address it had where it came from; null where that is not known.</param>
    /// <param name="vm">The machine's id.</param>
    /// <param name="index">The adapter's number.</param>
    /// <param name="taken">Whether another adapter has an address.</param>
    public static string Choose(string? source, Guid vm, int index, Func<string, bool> taken)
    {
        ArgumentNullException.ThrowIfNull(taken);
        if (Normalize(source) is { } own && !taken(own))
            return own;
        Span<byte> id = stackalloc byte[16];
        _ = vm.TryWriteBytes(id);
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            // QEMU's own prefix, and three bytes of the id: the same machine gets the same address.
            var made = Format(0x525400000000UL | ((ulong)id[13] << 16) | ((ulong)(byte)(id[14] + attempt) << 8) | (byte)(id[15] + index));
            if (!taken(made))
                return made;
        }

        throw new IaaSException(ErrorKind.NoCapacity, "NoMacAddress", $"Machine {vm}: every hardware address tried for adapter {index} is taken.", "Give one with -MacAddress.", vm);
    }

    private static bool IsUsable(ulong number) => number != 0 && (number >> 40 & 1) == 0;   // no group address (IEEE 802, I/G bit)

    private static string Format(ulong number) =>
        string.Join(':', Enumerable.Range(0, Bytes).Select(i => ((byte)(number >> (8 * (Bytes - 1 - i)))).ToString("x2", CultureInfo.InvariantCulture)));
}
