using System.Text.Json;
using AzureIaaS.Networks;

namespace AzureIaaS.Store;

/// <summary>The sites' table.</summary>
internal sealed class SiteStore(StateDatabase database) : ISiteStore
{
    public IReadOnlyList<Site> List() => database.Query("SELECT body FROM sites ORDER BY name", r => Read(r.GetString(0)));

    public Site? Find(Guid id) => database.Query("SELECT body FROM sites WHERE id = $0", r => Read(r.GetString(0)), MachineStore.Key(id)).FirstOrDefault();

    public void Add(Site site) => database.Write(t =>
    {
        if (t.Query("SELECT 1 FROM sites WHERE id = $0", _ => 1, MachineStore.Key(site.Id)).Count > 0)
            return 0;
        if (t.Query("SELECT 1 FROM networks WHERE id = $0", _ => 1, MachineStore.Key(site.NetworkId)).Count == 0)
            throw new IaaSException(ErrorKind.NotFound, "NetworkNotFound", $"Network '{site.Network}' is not there any more.", "Get-IaaSNetwork shows those there are.", site.Network);
        return t.Execute("INSERT INTO sites VALUES ($0, $1, $2, $3) ON CONFLICT DO NOTHING",
                MachineStore.Key(site.Id), site.Name, MachineStore.Key(site.NetworkId), JsonSerializer.Serialize(site, CoreJson.Default.Site)) == 1 ? 1
            : throw new IaaSException(ErrorKind.AlreadyExists, "SiteNameTaken", $"There is a site called '{site.Name}' already.",
                "Give the new one another name; Get-IaaSSite shows those there are.", site.Name);
    });

    public void Remove(Guid id) => database.Write(t => t.Execute("DELETE FROM sites WHERE id = $0", MachineStore.Key(id)));

    private static Site Read(string body) => JsonSerializer.Deserialize(body, CoreJson.Default.Site)!;
}
