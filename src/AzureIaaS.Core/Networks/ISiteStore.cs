namespace AzureIaaS.Networks;

/// <summary>Where sites are remembered, without their keys. Every call is one transaction, and durable when it returns.</summary>
public interface ISiteStore
{
    /// <summary>All sites in the order of their names.</summary>
    IReadOnlyList<Site> List();

    /// <summary>One site; null when there is none of that id.</summary>
    /// <param name="id">The site's id.</param>
    Site? Find(Guid id);

    /// <summary>Adds a site. Repeating it changes nothing.</summary>
    /// <param name="site">The site.</param>
    /// <exception cref="IaaSException">Its name is taken, or its network is not there any more.</exception>
    void Add(Site site);

    /// <summary>Forgets a site. Repeating it changes nothing.</summary>
    /// <param name="id">The site's id.</param>
    void Remove(Guid id);
}
