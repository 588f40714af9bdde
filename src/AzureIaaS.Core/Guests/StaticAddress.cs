namespace AzureIaaS.Guests;

/// <summary>An address that a guest's configuration gives to one of its network adapters.</summary>
public sealed class StaticAddress
{
    /// <summary>The address.</summary>
    public string Address { get; set; } = "";

    /// <summary>The length of its network's prefix in bits; null where that was not seen.</summary>
    public int? PrefixLength { get; set; }

    /// <summary>The default gateway; null where there is none.</summary>
    public string? Gateway { get; set; }

    /// <summary>The DNS servers.</summary>
    public IList<string> DnsServers { get; set; } = [];

    /// <summary>The adapter's name in the guest: <c>eth0</c>, <c>Ethernet</c>; null where that was not seen.</summary>
    public string? Adapter { get; set; }

    /// <summary>The adapter's hardware address, where the configuration names it.</summary>
    public string? HardwareAddress { get; set; }

    /// <summary>The file or registry key that it is in.</summary>
    public string Origin { get; set; } = "";

    /// <summary>The address and where it is.</summary>
    public override string ToString() => $"{Address} ({Origin})";
}
