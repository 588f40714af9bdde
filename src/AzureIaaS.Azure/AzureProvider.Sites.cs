using AzureIaaS.Networks;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure;

/// <summary>What joins enterprises' networks: VPN gateways, which Azure runs.</summary>
internal sealed partial class AzureProvider : ISiteProvider
{
    public Task<IReadOnlyList<Site>> ListSitesAsync(CancellationToken cancellation) => _sites.ListAsync(cancellation);

    public Task<Site> AddSiteAsync(Site site, SiteCredential? credential, IProgress<Notice> notices, CancellationToken cancellation) =>
        credential is not { Authentication: SiteAuthentication.Certificate } ? _sites.AddAsync(site, credential?.SharedKey, notices, cancellation)
            : throw new IaaSException(ErrorKind.NotSupported, "NotSupportedInAzure", "Sites in Azure are joined by a shared key here: the version of Azure's network interface that is spoken knows no certificates for connections of a VPN gateway.",
                "Give -SharedKey, or leave it out to have one made.", site.Name);

    public Task RemoveSiteAsync(Guid site, IProgress<Notice> notices, CancellationToken cancellation) => _sites.RemoveAsync(site, notices, cancellation);

    public Task<DomainFacts> LookForDomainAsync(Guid network, string domain, CancellationToken cancellation) =>
        throw new IaaSException(ErrorKind.NotSupported, "NotSupportedInAzure", "From here nobody can ask as a machine on a network in Azure would.",
            "Ask on a machine there, with Invoke-IaaSVmCommand: nltest /dsgetdc on Windows, realm discover on Linux.", domain);

    // One request; those who ask for a key wait for it on their own thread.
    public string ReadSharedKey(Guid site) => _sites.ReadKeyAsync(site, CancellationToken.None).GetAwaiter().GetResult();

    public Task<bool> RunSiteGatewayAsync(bool stay, IProgress<Notice> notices, CancellationToken cancellation) =>
        throw new IaaSException(ErrorKind.NotSupported, "NotSupportedInAzure", "Azure runs the gateways of its networks itself.", "Get-IaaSSite shows how it stands with the tunnels.");
}
