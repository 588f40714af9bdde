namespace AzureIaaS.Providers;

/// <summary>A provider that joins enterprises' networks to its own by tunnels.</summary>
public interface ISiteProvider
{
    /// <summary>All sites in the order of their names, each with how it stands with its tunnel. A listing shows what is wrong, it never throws for it.</summary>
    /// <param name="cancellation">Stops waiting for the gateway.</param>
    Task<IReadOnlyList<Site>> ListSitesAsync(CancellationToken cancellation);

    /// <summary>Adds a site, and begins to connect to it.</summary>
    /// <param name="site">The site; its id, and the local address where it is empty, are filled.</param>
    /// <param name="credential">With what this side proves who it is; null to have a shared key made.</param>
    /// <param name="notices">Receives what keeps it from being connected.</param>
    /// <param name="cancellation">Stops waiting for the gateway.</param>
    /// <exception cref="IaaSException">Its name is taken, or something about it is not possible.</exception>
    Task<Site> AddSiteAsync(Site site, Networks.SiteCredential? credential, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Ends a site's tunnel, and forgets the site and its key. Repeating it changes nothing.</summary>
    /// <param name="site">The site's id.</param>
    /// <param name="notices">Receives what could not be done.</param>
    /// <param name="cancellation">Stops waiting for the gateway.</param>
    Task RemoveSiteAsync(Guid site, IProgress<Notice> notices, CancellationToken cancellation);

    /// <summary>Looks for a domain as a machine on a network would: its names, its controllers, their ports and clocks. Nothing is changed.</summary>
    /// <param name="network">The network's id.</param>
    /// <param name="domain">The domain: contoso.example.</param>
    /// <param name="cancellation">Stops it.</param>
    Task<Networks.DomainFacts> LookForDomainAsync(Guid network, string domain, CancellationToken cancellation);

    /// <summary>A site's shared key.</summary>
    /// <param name="site">The site's id, of one that has a shared key.</param>
    /// <exception cref="IaaSException">It cannot be read.</exception>
    string ReadSharedKey(Guid site);

    /// <summary>Runs the gateway of all sites until there are none, or until cancelled.</summary>
    /// <param name="stay">Whether to go on when there are none.</param>
    /// <param name="notices">Receives what is seen and done.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>False when another process is the gateway already.</returns>
    /// <exception cref="IaaSException">Something it needs is not there.</exception>
    Task<bool> RunSiteGatewayAsync(bool stay, IProgress<Notice> notices, CancellationToken cancellation);
}
