using System.Text.Json.Serialization;

namespace AzureIaaS;

/// <summary>How IKE messages are encrypted; Azure's names, without those that are broken (DES, 3DES).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<IkeEncryption>))]
public enum IkeEncryption
{
    /// <summary>AES in CBC mode, 128 bits (RFC 3602).</summary>
    AES128,

    /// <summary>AES in CBC mode, 192 bits.</summary>
    AES192,

    /// <summary>AES in CBC mode, 256 bits.</summary>
    AES256,

    /// <summary>AES in Galois/counter mode, 128 bits (RFC 5282).</summary>
    GCMAES128,

    /// <summary>AES in Galois/counter mode, 256 bits.</summary>
    GCMAES256,
}

/// <summary>By which hash IKE messages are authenticated and keys derived.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<IkeIntegrity>))]
public enum IkeIntegrity
{
    /// <summary>HMAC-SHA-1, for gateways that know nothing newer (RFC 2404).</summary>
    SHA1,

    /// <summary>HMAC-SHA-256 (RFC 4868).</summary>
    SHA256,

    /// <summary>HMAC-SHA-384 (RFC 4868).</summary>
    SHA384,
}

/// <summary>The group of the Diffie-Hellman exchange of IKE; Azure's names.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<DhGroup>))]
public enum DhGroup
{
    /// <summary>2048-bit MODP group, number 14 (RFC 3526).</summary>
    DHGroup14,

    /// <summary>2048-bit MODP group with a 256-bit subgroup, number 24 (RFC 5114).</summary>
    DHGroup24,

    /// <summary>256-bit random elliptic curve group, number 19 (RFC 5903).</summary>
    ECP256,

    /// <summary>384-bit random elliptic curve group, number 20 (RFC 5903).</summary>
    ECP384,
}

/// <summary>How the packets themselves are encrypted and authenticated.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<IpsecEncryption>))]
public enum IpsecEncryption
{
    /// <summary>AES in CBC mode, 128 bits, with the policy's hash.</summary>
    AES128,

    /// <summary>AES in CBC mode, 192 bits, with the policy's hash.</summary>
    AES192,

    /// <summary>AES in CBC mode, 256 bits, with the policy's hash.</summary>
    AES256,

    /// <summary>AES in Galois/counter mode, 128 bits (RFC 4106), which authenticates too.</summary>
    GCMAES128,

    /// <summary>AES in Galois/counter mode, 192 bits.</summary>
    GCMAES192,

    /// <summary>AES in Galois/counter mode, 256 bits.</summary>
    GCMAES256,
}

/// <summary>By which hash the packets are authenticated, where their encryption does not do it.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<IpsecIntegrity>))]
public enum IpsecIntegrity
{
    /// <summary>HMAC-SHA-1.</summary>
    SHA1,

    /// <summary>HMAC-SHA-256.</summary>
    SHA256,
}

/// <summary>The group of the exchange with which each new key of the packets is made (perfect forward secrecy); Azure's names.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PfsGroup>))]
public enum PfsGroup
{
    /// <summary>None: keys come of the one of IKE.</summary>
    None,

    /// <summary>2048-bit MODP group, number 14.</summary>
    PFS2048,

    /// <summary>2048-bit MODP group with a 256-bit subgroup, number 24.</summary>
    PFS24,

    /// <summary>256-bit random elliptic curve group, number 19.</summary>
    ECP256,

    /// <summary>384-bit random elliptic curve group, number 20.</summary>
    ECP384,
}

/// <summary>
/// What both ends of a tunnel must agree on, in the names and ranges of Azure's VPN gateway (its custom IPsec/IKE policy), so that a site can be
/// joined to either.
/// </summary>
public sealed record IpsecPolicy
{
    /// <summary>How long IKE's own keys are good, in seconds: fixed in Azure.</summary>
    public const int IkeLifetimeSeconds = 28800;

    /// <summary>The shortest life of the packets' keys, in seconds.</summary>
    public const int ShortestLifetimeSeconds = 300;

    /// <summary>The longest life of the packets' keys, in seconds.</summary>
    public const int LongestLifetimeSeconds = 172799;

    /// <summary>How IKE messages are encrypted.</summary>
    public IkeEncryption IkeEncryption { get; init; } = IkeEncryption.AES256;

    /// <summary>How IKE messages are authenticated.</summary>
    public IkeIntegrity IkeIntegrity { get; init; } = IkeIntegrity.SHA256;

    /// <summary>The group of IKE's exchange.</summary>
    public DhGroup DhGroup { get; init; } = DhGroup.DHGroup14;

    /// <summary>How packets are encrypted.</summary>
    public IpsecEncryption IpsecEncryption { get; init; } = IpsecEncryption.GCMAES256;

    /// <summary>How packets are authenticated; without effect where the encryption does it.</summary>
    public IpsecIntegrity IpsecIntegrity { get; init; } = IpsecIntegrity.SHA256;

    /// <summary>The group of the packets' key exchange.</summary>
    public PfsGroup PfsGroup { get; init; } = PfsGroup.PFS2048;

    /// <summary>How long the packets' keys are good, in seconds, from 300 to 172799.</summary>
    public int SaLifetimeSeconds { get; init; } = 27000;

    /// <summary>IKE's proposal as strongSwan writes it: <c>aes256-sha256-modp2048</c>.</summary>
    [JsonIgnore]
    public string IkeProposal => (IkeEncryption is IkeEncryption.GCMAES128 or IkeEncryption.GCMAES256)
        ? $"{Cipher(IkeEncryption.ToString())}-prf{Hash(IkeIntegrity.ToString())}-{Group(DhGroup.ToString())}"
        : $"{Cipher(IkeEncryption.ToString())}-{Hash(IkeIntegrity.ToString())}-{Group(DhGroup.ToString())}";

    /// <summary>The packets' proposal as strongSwan writes it: <c>aes256gcm16-modp2048</c>.</summary>
    [JsonIgnore]
    public string EspProposal => string.Join('-', new[]
    {
        Cipher(IpsecEncryption.ToString()),
        IpsecEncryption.ToString().StartsWith("GCM", StringComparison.Ordinal) ? "" : Hash(IpsecIntegrity.ToString()),
        PfsGroup == PfsGroup.None ? "" : Group(PfsGroup.ToString()),
    }.Where(p => p.Length > 0));

    private static string Cipher(string name) =>
        name.StartsWith("GCM", StringComparison.Ordinal) ? name[3..].ToLowerInvariant() + "gcm16" : name.ToLowerInvariant();

    private static string Hash(string name) => name.ToLowerInvariant();

    private static string Group(string name) => name switch
    {
        "DHGroup14" or "PFS2048" => "modp2048",
        "DHGroup24" or "PFS24" => "modp2048s256",
        "ECP256" => "ecp256",
        _ => "ecp384",
    };
}
