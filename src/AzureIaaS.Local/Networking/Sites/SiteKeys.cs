using System.Text;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Networks;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>The sites' shared keys: a file each, which its owner alone can read. Nowhere else do they lie.</summary>
internal sealed class SiteKeys(SiteFiles files)
{
    private const int Room = 2 * SharedKey.Longest;

    /// <summary>Writes a site's key.</summary>
    /// <param name="site">The site's id.</param>
    /// <param name="key">The key.</param>
    public void Write(Guid site, string key)
    {
        try
        {
            PrivateFolder.Create(files.Keys);
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var file = new FileStream(files.Key(site), options);
            file.Write(Encoding.ASCII.GetBytes(key));
            file.Flush(flushToDisk: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IaaSException(ErrorKind.AccessDenied, "KeyNotWritable", $"{files.Key(site)}: the site's key cannot be written ({e.Message}).",
                "Make the fabric's folder writable for this user.", files.Keys, e);
        }
    }

    /// <summary>Reads a site's key.</summary>
    /// <param name="site">The site's id.</param>
    public string Read(Guid site)
    {
        var path = files.Key(site);
        try
        {
            if (new FileInfo(path).Length > Room)
                throw new IOException("it is too long for a key");
            return SharedKey.Check(File.ReadAllText(path).TrimEnd('\r', '\n'));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IaaSException(ErrorKind.AccessDenied, "KeyNotReadable", $"{path}: the site's key cannot be read ({e.Message}).",
                "Remove the site with Remove-IaaSSite and make it anew, or put its key there, readable by its owner alone.", path, e);
        }
    }

    /// <summary>Forgets a site's key.</summary>
    /// <param name="site">The site's id.</param>
    public void Remove(Guid site) => File.Delete(files.Key(site));
}
