using System.Management.Automation;
using System.Security;
using AzureIaaS.Networks;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>A cmdlet over the sites of a context.</summary>
public abstract class SiteCmdlet : IaaSCmdlet
{
    private protected static ISiteProvider SitesOf(IaaSSession session) => Ability.Of<ISiteProvider>(session, "sites");

    /// <summary>The network that a site is joined to.</summary>
    /// <param name="session">The session.</param>
    /// <param name="name">Its name.</param>
    private protected VirtualNetwork NetworkOf(IaaSSession session, string name) =>
        Await(c => Ability.Of<INetworkProvider>(session, "networks of its own").FindNetworkAsync(name, c)) ?? throw NetworkCmdlet.NotFound(name);

    private protected static Site Mark(Site site, IaaSSession session)
    {
        site.Context = session.Context.Name;
        return site;
    }

    /// <summary>The sites that a name or a pattern means.</summary>
    /// <param name="session">The session.</param>
    /// <param name="name">The name or pattern.</param>
    private protected IReadOnlyList<Site> Find(IaaSSession session, string name)
    {
        var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
        var found = Await(SitesOf(session).ListSitesAsync).Where(s => pattern.IsMatch(s.Name)).ToList();
        return found.Count > 0 || WildcardPattern.ContainsWildcardCharacters(name) ? found
            : throw new IaaSException(ErrorKind.NotFound, "SiteNotFound", $"There is no site '{name}'.", "Get-IaaSSite shows those there are; New-IaaSSite makes one.", name);
    }
}

/// <summary>Get-IaaSSite: lists sites with how it stands with their tunnels.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSSite")]
[OutputType(typeof(Site))]
public sealed class GetSiteCommand : SiteCmdlet
{
    /// <summary>The sites' names, with wildcards; all when left out.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(SiteCompleter))]
    public string[] Name { get; set; } = ["*"];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var name in Name)
        {
            Try(name, () =>
            {
                var session = Session();
                foreach (var site in Find(session, name))
                    WriteObject(Mark(site, session));
            });
        }
    }
}

/// <summary>New-IaaSSite: joins an enterprise's network to one of the context's.</summary>
[Cmdlet(VerbsCommon.New, "IaaSSite", SupportsShouldProcess = true, DefaultParameterSetName = ByKey)]
[OutputType(typeof(Site))]
public sealed class NewSiteCommand : SiteCmdlet
{
    private const string ByKey = "SharedKey";
    private const string ByCertificate = "Certificate";

    /// <summary>The site's name.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string Name { get; set; } = "";

    /// <summary>The network that it is joined to.</summary>
    [Parameter(Mandatory = true, Position = 1, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(NetworkCompleter))]
    public string Network { get; set; } = "";

    /// <summary>The site's own subnets: 192.168.10.0/24.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string[] Subnet { get; set; } = [];

    /// <summary>The address at which the site's gateway is reached.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    public string GatewayAddress { get; set; } = "";

    /// <summary>The address at which the site reaches this side; this computer's own towards the gateway when left out.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    public string? LocalAddress { get; set; }

    /// <summary>The shared key; one is made when left out.</summary>
    [Parameter(ParameterSetName = ByKey)]
    public SecureString? SharedKey { get; set; }

    /// <summary>The file of this side's certificate: PEM, or PKCS #12 (.pfx) with its key.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ByCertificate)]
    [ValidateNotNullOrEmpty]
    public string? Certificate { get; set; }

    /// <summary>The file of the certificate's private key (PEM), where it is not in the certificate's own.</summary>
    [Parameter(ParameterSetName = ByCertificate)]
    [EmptyIsNull]
    public string? CertificateKey { get; set; }

    /// <summary>What the private key is encrypted with.</summary>
    [Parameter(ParameterSetName = ByCertificate)]
    public SecureString? CertificatePassword { get; set; }

    /// <summary>The file of the certificate of who issued the site's gateway's.</summary>
    [Parameter(Mandatory = true, ParameterSetName = ByCertificate)]
    [ValidateNotNullOrEmpty]
    public string? CaCertificate { get; set; }

    /// <summary>The file of that issuer's list of revoked certificates: a gateway whose certificate is on it is refused.</summary>
    [Parameter(ParameterSetName = ByCertificate)]
    [EmptyIsNull]
    public string? RevocationList { get; set; }

    /// <summary>By what the site's gateway identifies itself; its address when left out.</summary>
    [Parameter(ParameterSetName = ByCertificate)]
    [EmptyIsNull]
    public string? GatewayIdentity { get; set; }

    /// <summary>What the site's names end with.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    public string? DnsSuffix { get; set; }

    /// <summary>The site's DNS servers, by address.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public string[] DnsServer { get; set; } = [];

    /// <summary>How IKE messages are encrypted.</summary>
    [Parameter]
    public IkeEncryption IkeEncryption { get; set; } = new IpsecPolicy().IkeEncryption;

    /// <summary>How IKE messages are authenticated.</summary>
    [Parameter]
    public IkeIntegrity IkeIntegrity { get; set; } = new IpsecPolicy().IkeIntegrity;

    /// <summary>The group of IKE's key exchange.</summary>
    [Parameter]
    public DhGroup DhGroup { get; set; } = new IpsecPolicy().DhGroup;

    /// <summary>How packets are encrypted.</summary>
    [Parameter]
    public IpsecEncryption IpsecEncryption { get; set; } = new IpsecPolicy().IpsecEncryption;

    /// <summary>How packets are authenticated, where their encryption does not do it.</summary>
    [Parameter]
    public IpsecIntegrity IpsecIntegrity { get; set; } = new IpsecPolicy().IpsecIntegrity;

    /// <summary>The group of the packets' key exchange.</summary>
    [Parameter]
    public PfsGroup PfsGroup { get; set; } = new IpsecPolicy().PfsGroup;

    /// <summary>How long the packets' keys are good, in seconds.</summary>
    [Parameter]
    [ValidateRange(IpsecPolicy.ShortestLifetimeSeconds, IpsecPolicy.LongestLifetimeSeconds)]
    public int SaLifetimeSeconds { get; set; } = new IpsecPolicy().SaLifetimeSeconds;

    /// <summary>After how many silent seconds the other gateway is asked whether it is there.</summary>
    [Parameter]
    [ValidateRange(9, 3600)]
    public int DpdTimeoutSeconds { get; set; } = new Site().DpdTimeoutSeconds;

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(Name, () =>
    {
        var session = Session();
        var network = NetworkOf(session, Network);
        var site = new Site
        {
            Name = Name,
            NetworkId = network.Id,
            Network = network.Name,
            Subnets = [.. Subnet],
            GatewayAddress = GatewayAddress,
            LocalAddress = LocalAddress ?? "",
            DnsSuffix = DnsSuffix,
            DnsServers = [.. DnsServer],
            DpdTimeoutSeconds = DpdTimeoutSeconds,
            Policy = new IpsecPolicy
            {
                IkeEncryption = IkeEncryption,
                IkeIntegrity = IkeIntegrity,
                DhGroup = DhGroup,
                IpsecEncryption = IpsecEncryption,
                IpsecIntegrity = IpsecIntegrity,
                PfsGroup = PfsGroup,
                SaLifetimeSeconds = SaLifetimeSeconds,
            },
        };
        var credential = ReadCredential(site);
        if (ShouldProcess($"{Name} ({string.Join(", ", Subnet)} by {GatewayAddress})", $"Join a site to network {network.Name}"))
            WriteObject(Mark(Await(c => SitesOf(session).AddSiteAsync(site, credential, Output, c)), session));
    });

    private SiteCredential? ReadCredential(Site site)
    {
        if (ParameterSetName == ByKey)
            return SharedKey is null ? null : SiteCredential.OfSharedKey(TextOf(SharedKey)!);
        site.GatewayIdentity = GatewayIdentity;
        var files = new CertificateFiles(FullPath(Certificate!), CertificateKey is null ? null : FullPath(CertificateKey), FullPath(CaCertificate!), RevocationList is null ? null : FullPath(RevocationList));
        return CertificateFile.Read(files, TextOf(CertificatePassword), site, TimeProvider.System.GetUtcNow());
    }

    private string FullPath(string path) => SessionState.Path.GetUnresolvedProviderPathFromPSPath(path);

    private static string? TextOf(SecureString? secret) => secret is null ? null : new System.Net.NetworkCredential("", secret).Password;
}

/// <summary>Remove-IaaSSite: ends the tunnels of sites, and forgets them with their keys.</summary>
[Cmdlet(VerbsCommon.Remove, "IaaSSite", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveSiteCommand : SiteCmdlet
{
    /// <summary>The sites' names, with wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(SiteCompleter))]
    public string[] Name { get; set; } = [];

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var name in Name)
        {
            Try(name, () =>
            {
                var session = Session();
                foreach (var site in Find(session, name).Where(s => ShouldProcess(s.Name, "Remove")))
                    Await(async c =>
                    {
                        await SitesOf(session).RemoveSiteAsync(site.Id, Output, c);
                        return true;
                    });
            });
        }
    }
}

/// <summary>Get-IaaSSiteConfiguration: what is to be put on a site's own gateway.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSSiteConfiguration")]
[OutputType(typeof(string), typeof(SiteParameter), typeof(FileInfo))]
public sealed class GetSiteConfigurationCommand : SiteCmdlet
{
    /// <summary>The site's name.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(SiteCompleter))]
    public string Name { get; set; } = "";

    /// <summary>What the gateway is: strongSwan, or any other, for which it is a table of parameters.</summary>
    [Parameter(Position = 1)]
    public SiteDevice Device { get; set; }

    /// <summary>A file that it is written to, readable by its owner alone.</summary>
    [Parameter]
    [EmptyIsNull]
    public string? Path { get; set; }

    /// <summary>With the shared key; a placeholder stands for it otherwise.</summary>
    [Parameter]
    public SwitchParameter IncludeSecret { get; set; }

    /// <summary>Replace a file that is there.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord() => Try(Name, () =>
    {
        var session = Session();
        foreach (var site in Find(session, Name))
        {
            var network = NetworkOf(session, site.Network);
            var key = IncludeSecret && site.Authentication == SiteAuthentication.SharedKey ? SitesOf(session).ReadSharedKey(site.Id) : null;
            if (Path is not null)
            {
                var file = SessionState.Path.GetUnresolvedProviderPathFromPSPath(Path);
                SiteConfiguration.Save(file, SiteConfiguration.Render(Device, site, network, key), Force);
                WriteObject(new FileInfo(file));
            }
            else if (Device == SiteDevice.Table)
            {
                WriteObject(SiteConfiguration.Table(site, network, key), enumerateCollection: true);
            }
            else
            {
                WriteObject(SiteConfiguration.Render(Device, site, network, key));
            }
        }
    });
}
