namespace AzureIaaS;

/// <summary>A port of a machine that is reached at an address of this computer; in Azure, at the machine's public one.</summary>
public sealed class PublishedPort
{
    /// <summary>The address that is listened on unless another is asked for.</summary>
    public const string Loopback = "127.0.0.1";

    /// <summary>This computer's address that is listened on: the loopback's unless another was asked for. In Azure, the machine's public address.</summary>
    public string HostAddress { get; set; } = Loopback;

    /// <summary>The port there, 1 to 65535.</summary>
    public int HostPort { get; set; }

    /// <summary>The machine's port, 1 to 65535.</summary>
    public int Port { get; set; }

    /// <summary>Whether it is UDP; TCP otherwise.</summary>
    public bool Udp { get; set; }

    /// <summary>In Azure: who may come, as addresses, ranges of them, or <c>Internet</c>. Empty where the address alone decides.</summary>
    public IReadOnlyList<string> From { get; set; } = [];

    /// <summary>Reads what a user types: <c>8080:80</c>, <c>0.0.0.0:8080:80</c>, <c>5353:53/udp</c>; <c>443</c> for the same port on both sides.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="IaaSException">It is none of these.</exception>
    public static PublishedPort Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var udp = text.EndsWith("/udp", StringComparison.OrdinalIgnoreCase);
        var parts = (udp ? text[..^4] : text.EndsWith("/tcp", StringComparison.OrdinalIgnoreCase) ? text[..^4] : text).Split(':');
        if (parts.Length <= 3 && PortNumber(parts[^1]) is { } guest && (parts.Length == 1 ? guest : PortNumber(parts[^2])) is { } host
            && (parts.Length < 3 || IsAddress(parts[0])))
        {
            return new PublishedPort { HostAddress = parts.Length == 3 ? parts[0] : Loopback, HostPort = host, Port = guest, Udp = udp };
        }

        throw new IaaSException(ErrorKind.InvalidArgument, "InvalidPublishedPort", $"'{text}' does not say which port is to be published.",
            "Give this computer's port and the machine's: -PublishPort 8080:80; an address of this computer may stand before them, /udp after.", text);
    }

    /// <summary>The port as a user types it.</summary>
    public override string ToString() => $"{HostAddress}:{HostPort}:{Port}{(Udp ? "/udp" : "")}";

    private static int? PortNumber(string text) =>
        int.TryParse(text, System.Globalization.NumberStyles.None, System.Globalization.CultureInfo.InvariantCulture, out var port) && port is > 0 and < 65536 ? port : null;

    private static bool IsAddress(string text) =>
        text.Count(c => c == '.') == 3 && System.Net.IPAddress.TryParse(text, out var address) && address.AddressFamily == System.Net.Sockets.AddressFamily.InterNetwork;
}
