using System.Globalization;
using System.Text;

namespace AzureIaaS.Networks;

/// <summary>What a site's own gateway is.</summary>
public enum SiteDevice
{
    /// <summary>strongSwan: its swanctl.conf.</summary>
    StrongSwan,

    /// <summary>Any other: a table of what has to be typed in.</summary>
    Table,
}

/// <summary>One line of what a gateway's administrator has to type in.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Value">What it must be on the site's gateway.</param>
public sealed record SiteParameter(string Name, string Value)
{
    /// <summary>An empty line.</summary>
    public SiteParameter()
        : this("", "")
    {
    }

    /// <summary>The line.</summary>
    public override string ToString() => $"{Name}: {Value}";
}

/// <summary>What is to be put on the site's own gateway, so that it meets this side's. Pure.</summary>
public static class SiteConfiguration
{
    /// <summary>What stands where the shared key would.</summary>
    public const string Placeholder = "REPLACE-WITH-THE-SHARED-KEY";

    /// <summary>What is to be put on a gateway, as text.</summary>
    /// <param name="device">What the gateway is.</param>
    /// <param name="site">The site.</param>
    /// <param name="network">The network that it is joined to.</param>
    /// <param name="key">The shared key; null for a placeholder.</param>
    public static string Render(SiteDevice device, Site site, VirtualNetwork network, string? key) =>
        device == SiteDevice.StrongSwan ? ForStrongSwan(site, network, key) : ToText(Table(site, network, key));

    /// <summary>Writes it to a file that its owner alone can read.</summary>
    /// <param name="path">The file.</param>
    /// <param name="text">The text.</param>
    /// <param name="overwrite">Whether a file that is there is replaced.</param>
    /// <exception cref="IaaSException">A file is there, and is not to be replaced.</exception>
    public static void Save(string path, string text, bool overwrite)
    {
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(text);
        if (!overwrite && File.Exists(path))
            throw new IaaSException(ErrorKind.AlreadyExists, "FileExists", $"{path} is there already.", "Give another path, or replace it with -Force.", path);
        // Beside it first, and private from the first moment: a file that is there keeps its own permissions.
        var next = $"{path}.{Guid.NewGuid():N}.tmp";
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        try
        {
            using (var file = new FileStream(next, options))
                file.Write(Encoding.UTF8.GetBytes(text));
            File.Move(next, path, overwrite);
        }
        finally
        {
            File.Delete(next);
        }
    }

    /// <summary>The configuration of a strongSwan there (swanctl.conf(5)).</summary>
    /// <param name="site">The site.</param>
    /// <param name="network">The network that it is joined to.</param>
    /// <param name="key">The shared key; null for a placeholder.</param>
    public static string ForStrongSwan(Site site, VirtualNetwork network, string? key)
    {
        ArgumentNullException.ThrowIfNull(site);
        ArgumentNullException.ThrowIfNull(network);
        var label = DnsName.LabelOf(network.Name, _ => false);
        var isByKey = site.Authentication == SiteAuthentication.SharedKey;
        // The other side always begins, and begins anew: two that do it at once get two tunnels.
        return string.Create(CultureInfo.InvariantCulture, $$"""
            # {{site.Name}}: the tunnel to network {{network.Name}} ({{network.Subnet}}). For strongSwan, /etc/swanctl/conf.d; then: swanctl --load-all
            # Without kernel IPsec, the plugin kernel-libipsec (Debian: libcharon-extra-plugins) is needed. IPv4 forwarding must be on (net.ipv4.ip_forward).
            # The firewall must let in UDP 500 and 4500 from {{site.LocalAddress}}, and forward between {{string.Join(", ", site.Subnets)}} and {{network.Subnet}}.{{WhereCertificatesGo(site, label)}}
            connections {
                {{label}} {
                    version = 2
                    local_addrs = %any
                    remote_addrs = {{site.LocalAddress}}
                    proposals = {{site.Policy.IkeProposal}}
                    rekey_time = {{IpsecPolicy.IkeLifetimeSeconds * 9 / 10}}s
                    over_time = {{IpsecPolicy.IkeLifetimeSeconds / 10}}s
                    dpd_delay = {{site.DpdTimeoutSeconds}}s
                    encap = yes
                    mobike = no
                    unique = replace
                    local {
                        {{(isByKey ? "auth = psk" : $"auth = pubkey\n            certs = {label}.pem")}}
                        id = {{Quote(site.GatewayIdentity ?? site.GatewayAddress)}}
                    }
                    remote {
                        {{(isByKey ? "auth = psk" : "auth = pubkey")}}
                        id = {{Quote(site.LocalIdentity ?? site.LocalAddress)}}
                    }
                    children {
                        {{label}} {
                            local_ts = {{string.Join(",", site.Subnets)}}
                            remote_ts = {{network.Subnet}}
                            esp_proposals = {{site.Policy.EspProposal}}
                            life_time = {{site.Policy.SaLifetimeSeconds}}s
                            rekey_time = {{site.Policy.SaLifetimeSeconds * 9 / 10}}s
                            dpd_action = clear
                            start_action = none
                        }
                    }
                }
            }

            """).ReplaceLineEndings("\n") + (isByKey ? Secret(site, label, key) : "");
    }

    private static string Secret(Site site, string label, string? key) => string.Create(CultureInfo.InvariantCulture, $$"""
        secrets {
            ike-{{label}} {
                id = {{site.LocalAddress}}
                secret = {{(key is null ? $"\"{Placeholder}\"" : "0s" + Convert.ToBase64String(Encoding.ASCII.GetBytes(key)))}}
            }
        }

        """).ReplaceLineEndings("\n");

    private static string WhereCertificatesGo(Site site, string label) => site.Authentication == SiteAuthentication.SharedKey ? "" : $"""

        # Its own certificate goes to /etc/swanctl/x509/{label}.pem and must be for {site.GatewayIdentity ?? site.GatewayAddress}, its key to /etc/swanctl/private,
        # and the certificate of {site.Certificate?.Issuer}, who issued this side's, to /etc/swanctl/x509ca.
        """;

    /// <summary>A distinguished name has characters that would end a value.</summary>
    private static string Quote(string identity) => identity.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-') ? identity : $"\"{identity.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)}\"";

    /// <summary>What any gateway's administrator has to type in.</summary>
    /// <param name="site">The site.</param>
    /// <param name="network">The network that it is joined to.</param>
    /// <param name="key">The shared key; null for a placeholder.</param>
    public static IReadOnlyList<SiteParameter> Table(Site site, VirtualNetwork network, string? key)
    {
        ArgumentNullException.ThrowIfNull(site);
        ArgumentNullException.ThrowIfNull(network);
        var policy = site.Policy;
        var withHash = !policy.IpsecEncryption.ToString().StartsWith("GCM", StringComparison.Ordinal);
        List<SiteParameter> table =
        [
            new("Protocol", "IKEv2, tunnel mode, ESP; NAT traversal (ESP in UDP) always"),
            .. site.Authentication == SiteAuthentication.SharedKey ? ByKey(site, key) : ByCertificate(site),
            new("Local subnets", string.Join(", ", site.Subnets)),
            new("Remote subnet", network.Subnet),
            new("IKE encryption", policy.IkeEncryption.ToString()),
            new("IKE integrity and PRF", policy.IkeIntegrity.ToString()),
            new("IKE Diffie-Hellman group", NumberOf(policy.DhGroup.ToString())),
            new("IKE lifetime", Seconds(IpsecPolicy.IkeLifetimeSeconds)),
            new("ESP encryption", policy.IpsecEncryption.ToString()),
            new("ESP integrity", withHash ? policy.IpsecIntegrity.ToString() : "none (the encryption authenticates)"),
            new("Perfect forward secrecy", NumberOf(policy.PfsGroup.ToString())),
            new("ESP lifetime", Seconds(policy.SaLifetimeSeconds)),
            new("Dead-peer detection", Seconds(site.DpdTimeoutSeconds)),
            new("TCP maximum segment size", "1350"),
            new("Let in through the firewall", $"UDP 500 and 4500 from {site.LocalAddress}"),
        ];
        if (network.DnsSuffix is { } suffix && network.Region is null)   // a cloud's own server answers inside it alone
            table.Add(new("Forward DNS names", $"{suffix} to {network.GatewayAddress}"));
        return table;
    }

    private static IEnumerable<SiteParameter> ByKey(Site site, string? key) =>
    [
        new("Authentication", "pre-shared key"),
        new("Shared key", key ?? Placeholder),
        new("This gateway's address and identity", site.GatewayAddress),
        new("Remote gateway's address and identity", site.LocalAddress),
    ];

    private static IEnumerable<SiteParameter> ByCertificate(Site site) =>
    [
        new("Authentication", "X.509 certificates"),
        new("This gateway's certificate is issued by", site.CaCertificate?.Subject ?? ""),
        new("This gateway's address", site.GatewayAddress),
        new("This gateway's identity", site.GatewayIdentity ?? site.GatewayAddress),
        new("Remote gateway's certificate is issued by", site.Certificate?.Issuer ?? ""),
        new("Remote gateway's certificate", site.Certificate?.Thumbprint ?? ""),
        new("Remote gateway's address", site.LocalAddress),
        new("Remote gateway's identity", site.LocalIdentity ?? site.LocalAddress),
    ];

    /// <summary>The table as text.</summary>
    /// <param name="table">The table.</param>
    public static string ToText(IReadOnlyList<SiteParameter> table)
    {
        ArgumentNullException.ThrowIfNull(table);
        var width = table.Max(p => p.Name.Length);
        return string.Concat(table.Select(p => $"{p.Name.PadRight(width)}  {p.Value}\n"));
    }

    private static string Seconds(int count) => count.ToString(CultureInfo.InvariantCulture) + " seconds";

    private static string NumberOf(string group) => group switch
    {
        "None" => "none",
        "DHGroup14" or "PFS2048" => "group 14 (2048-bit MODP)",
        "DHGroup24" or "PFS24" => "group 24 (2048-bit MODP with 256-bit subgroup)",
        "ECP256" => "group 19 (256-bit ECP)",
        _ => "group 20 (384-bit ECP)",
    };
}
