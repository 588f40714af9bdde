using System.Globalization;
using AzureIaaS.Networks;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>What the IKE daemon is told: its settings (strongswan.conf(5)), and a site's connection and key as vici messages (swanctl.conf(5)). Pure.</summary>
internal static class CharonMessages
{
    /// <summary>
    /// The routing table that the daemon's routes go into. Nothing of this computer's own is ever routed by it: its rule asks for a mark that no
    /// packet has. Packets reach the tunnel by its device alone.
    /// </summary>
    public const int RoutingTable = 41494;

    private const string Mark = "0x41494153";

    // The plugins by name, not all that are installed: another one could ask for files and ports of its own. kernel-netlink is there for addresses and
    // routes in any case; of the two that do IPsec the first that is loaded is the one that is used.
    private const string Plugins = "aes sha1 sha2 hmac kdf gcm gmp random nonce openssl pem pkcs1 pkcs8 x509 pubkey constraints revocation";
    private const string Library = "kernel-libipsec";
    private const string Rest = "kernel-netlink socket-default vici";

    /// <summary>The daemon's settings.</summary>
    /// <param name="vici">Where it takes commands.</param>
    /// <param name="log">What it writes its log to.</param>
    /// <param name="engine">What encrypts packets.</param>
    public static string Settings(string vici, string log, IpsecEngine engine) => string.Create(CultureInfo.InvariantCulture, $$"""
        charon-systemd {
            load_modular = no
            load = {{Plugins}} {{(engine == IpsecEngine.Kernel ? Rest : $"{Library} {Rest}")}}
            routing_table = {{RoutingTable}}
            routing_table_prio = {{RoutingTable}}
            retransmit_timeout = 2.0
            retransmit_base = 1.6
            retransmit_tries = 4
            plugins {
                vici {
                    socket = "unix://{{vici}}"
                }
                revocation {
                    enable_ocsp = no
                }
                kernel-netlink {
                    fwmark = {{Mark}}
                }
            }
            filelog {
                charon {
                    path = "{{log}}"
                    default = 1
                    enc = 0
                    net = 0
                    time_format = "%FT%T"
                    flush_line = yes
                }
            }
        }

        """);

    /// <summary>What a site's connection is called.</summary>
    /// <param name="site">The site's id.</param>
    public static string NameOf(Guid site) => site.ToString("N");

    /// <summary>The message that loads a site's connection (load-conn).</summary>
    /// <param name="site">The site.</param>
    /// <param name="network">The network that it is joined to.</param>
    /// <param name="certificates">Its certificates as PEM, this side's own first; none with a shared key.</param>
    /// <param name="caCertificate">The certificate of the other side's issuer as PEM; null with a shared key.</param>
    /// <param name="engine">What encrypts its packets.</param>
    public static ViciSection Connection(Site site, VirtualNetwork network, IReadOnlyList<string>? certificates = null, string? caCertificate = null, IpsecEngine engine = IpsecEngine.UserSpace)
    {
        var child = new ViciSection()
            .Add("mode", "tunnel")
            .Add("local_ts", [network.Subnet])
            .Add("remote_ts", site.Subnets)
            .Add("esp_proposals", [site.Policy.EspProposal])
            .Add("life_time", Number(site.Policy.SaLifetimeSeconds))
            .Add("rekey_time", Number(site.Policy.SaLifetimeSeconds * 9 / 10))
            .Add("dpd_action", "clear");
        // The kernel's policies are for the packets of the gateway's device alone.
        if (engine == IpsecEngine.Kernel)
            child.Add("if_id_in", Number(KernelIpsec.InterfaceId)).Add("if_id_out", Number(KernelIpsec.InterfaceId));
        var remote = Side(site, site.GatewayIdentity ?? site.GatewayAddress, "cacerts", caCertificate is null ? null : [caCertificate]);
        if (site.RevocationList is not null)
            remote.Add("revocation", "strict");   // who gives a list wants it asked, and not passed over when it is too old
        var connection = new ViciSection()
            .Add("version", "2")
            .Add("remote_addrs", [site.GatewayAddress])
            .Add("proposals", [site.Policy.IkeProposal])
            .Add("rekey_time", Number(IpsecPolicy.IkeLifetimeSeconds * 9 / 10))
            .Add("over_time", Number(IpsecPolicy.IkeLifetimeSeconds / 10))
            .Add("dpd_delay", Number(site.DpdTimeoutSeconds))
            .Add("encap", "yes")
            .Add("mobike", "no")
            .Add("unique", "replace")
            .Add("local", Side(site, site.LocalIdentity ?? site.LocalAddress, "certs", certificates))
            .Add("remote", remote)
            .Add("children", new ViciSection().Add(NameOf(site.Id), child));
        return new ViciSection().Add(NameOf(site.Id), connection);
    }

    /// <summary>The message that loads the private key of a site's certificate (load-key).</summary>
    /// <param name="key">The key, as PEM.</param>
    public static ViciSection PrivateKey(string key) => new ViciSection().Add("type", "any").Add("data", key);

    /// <summary>The message that loads a site's key (load-shared).</summary>
    /// <param name="site">The site.</param>
    /// <param name="key">The key.</param>
    public static ViciSection Key(Site site, string key) =>
        new ViciSection().Add("id", NameOf(site.Id)).Add("type", "IKE").Add("data", key).Add("owners", [site.GatewayAddress]);

    /// <summary>The message that begins a site's tunnel (initiate), without waiting for how it goes.</summary>
    /// <param name="site">The site's id.</param>
    public static ViciSection Initiate(Guid site) => new ViciSection().Add("child", NameOf(site)).Add("ike", NameOf(site)).Add("timeout", "-1");

    /// <summary>The message that loads a list of revoked certificates (load-cert). It takes the place of an older one.</summary>
    /// <param name="list">The list.</param>
    public static ViciSection Revoked(RevocationList list) => new ViciSection().Add("type", "X509_CRL").Add("data", list.Der);

    /// <summary>The message that ends a site's tunnel at once (terminate), whether the other gateway answers or not.</summary>
    /// <param name="site">The site's id.</param>
    public static ViciSection End(Guid site) => new ViciSection().Add("ike", NameOf(site)).Add("force", "yes").Add("timeout", "-1");

    private static ViciSection Side(Site site, string identity, string what, IReadOnlyList<string>? certificates)
    {
        var side = new ViciSection().Add("auth", site.Authentication == SiteAuthentication.SharedKey ? "psk" : "pubkey").Add("id", identity);
        return certificates is null ? side : side.Add(what, certificates);
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
