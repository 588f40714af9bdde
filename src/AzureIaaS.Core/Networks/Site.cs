using System.Text.Json.Serialization;

namespace AzureIaaS;

/// <summary>How it stands with a site's tunnel; the names of Azure's connections.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<SiteState>))]
public enum SiteState
{
    /// <summary>No gateway runs that could know.</summary>
    Unknown,

    /// <summary>The gateways are talking, and have not agreed yet.</summary>
    Connecting,

    /// <summary>The tunnel carries packets.</summary>
    Connected,

    /// <summary>The last attempt failed; the site's last error says why. It is tried again by itself.</summary>
    NotConnected,
}

/// <summary>
/// An enterprise's network that is joined to a network of the context by a tunnel (IKEv2 and IPsec). What describes it is what Azure asks of a local
/// network gateway and a connection, so that the same site can be joined to either.
/// </summary>
public sealed class Site
{
    /// <summary>The site's identity.</summary>
    public Guid Id { get; set; }

    /// <summary>The name, unique in its context in any case of letters.</summary>
    public string Name { get; set; } = "";

    /// <summary>The name of the network that it is joined to.</summary>
    public string Network { get; set; } = "";

    /// <summary>That network's id.</summary>
    public Guid NetworkId { get; set; }

    /// <summary>The site's own subnets, as addresses with the length of the prefix.</summary>
    public IList<string> Subnets { get; set; } = [];

    /// <summary>The address at which the site's gateway is reached; it identifies itself by it, unless <see cref="GatewayIdentity"/> says otherwise.</summary>
    public string GatewayAddress { get; set; } = "";

    /// <summary>The address at which the site reaches this side's gateway, which identifies itself by it: behind address translation, the public one.</summary>
    public string LocalAddress { get; set; } = "";

    /// <summary>How the gateways prove to each other who they are.</summary>
    public SiteAuthentication Authentication { get; set; }

    /// <summary>By what the site's gateway identifies itself: an address, a DNS name or a distinguished name. Null for its address.</summary>
    public string? GatewayIdentity { get; set; }

    /// <summary>By what this side identifies itself. Null for its address.</summary>
    public string? LocalIdentity { get; set; }

    /// <summary>This side's certificate; null with a shared key.</summary>
    public SiteCertificate? Certificate { get; set; }

    /// <summary>The certificate of who issued the site's gateway's; null with a shared key.</summary>
    public SiteCertificate? CaCertificate { get; set; }

    /// <summary>
    /// The file of that issuer's list of revoked certificates, which is read again whenever it is replaced: without a good one no tunnel is begun.
    /// Null where nobody is asked whether the gateway's certificate was revoked.
    /// </summary>
    public string? RevocationList { get; set; }

    /// <summary>Until when the list that is in use is good; filled when the site is listed, null where nothing is known.</summary>
    public DateTimeOffset? RevocationListUntil { get; set; }

    /// <summary>What both gateways must agree on.</summary>
    public IpsecPolicy Policy { get; set; } = new();

    /// <summary>After how many silent seconds the other gateway is asked whether it is there (dead-peer detection), from 9 to 3600.</summary>
    public int DpdTimeoutSeconds { get; set; } = 45;

    /// <summary>What the site's names end with; questions for them go to <see cref="DnsServers"/>. Null where none are asked for.</summary>
    public string? DnsSuffix { get; set; }

    /// <summary>The site's DNS servers, addresses in its subnets.</summary>
    public IList<string> DnsServers { get; set; } = [];

    /// <summary>When it was made.</summary>
    public DateTimeOffset Created { get; set; }

    /// <summary>How it stands with the tunnel; filled when the site is listed.</summary>
    public SiteState State { get; set; }

    /// <summary>Since when; null where nothing is known.</summary>
    public DateTimeOffset? Since { get; set; }

    /// <summary>What encrypts its packets on this side; null while no gateway runs.</summary>
    public IpsecEngine? IpsecEngine { get; set; }

    /// <summary>How many bytes have come from the site since the gateway was started.</summary>
    public long BytesIn { get; set; }

    /// <summary>How many bytes have gone to the site since the gateway was started.</summary>
    public long BytesOut { get; set; }

    /// <summary>What went wrong last, with what to do about it; null for nothing.</summary>
    public string? LastError { get; set; }

    /// <summary>The name of the context it belongs to.</summary>
    public string Context { get; set; } = "";

    /// <summary>The site's name.</summary>
    public override string ToString() => Name;
}
