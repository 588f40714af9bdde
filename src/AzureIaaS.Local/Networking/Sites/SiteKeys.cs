using System.Security.Cryptography;
using System.Text;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Networks;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>The sites' keys and certificates: files that their owner alone can read. Nowhere else do they lie.</summary>
internal sealed class SiteKeys(SiteFiles files)
{
    private const int Room = 256 << 10;

    /// <summary>Writes what a site's gateway proves by who it is.</summary>
    /// <param name="site">The site's id.</param>
    /// <param name="credential">It.</param>
    public void Write(Guid site, SiteCredential credential)
    {
        foreach (var (path, text) in new[] { (files.Certificate(site), credential.CertificatePem), (files.CaCertificate(site), credential.CaCertificatePem), (files.Key(site), credential.SharedKey ?? credential.PrivateKeyPem) })
        {
            if (text is not null)
                Write(path, text);
        }
    }

    /// <summary>Reads a site's shared key.</summary>
    /// <param name="site">The site's id.</param>
    public string ReadShared(Guid site) => SharedKey.Check(Read(files.Key(site)));

    /// <summary>Reads the private key of a site's certificate, as PEM.</summary>
    /// <param name="site">The site's id.</param>
    public string ReadPrivate(Guid site) => Read(files.Key(site));

    /// <summary>Reads a site's certificates, as PEM: this side's with those that lead to its issuer, and that of the other side's issuer.</summary>
    /// <param name="site">The site's id.</param>
    public (IReadOnlyList<string> Own, string Ca) ReadCertificates(Guid site) => (Split(Read(files.Certificate(site))), Read(files.CaCertificate(site)));

    /// <summary>Forgets a site's key.</summary>
    /// <param name="site">The site's id.</param>
    public void Remove(Guid site)
    {
        File.Delete(files.Key(site));
        File.Delete(files.Certificate(site));
        File.Delete(files.CaCertificate(site));
    }

    private void Write(string path, string text)
    {
        try
        {
            PrivateFolder.Create(files.Keys);
            var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using var file = new FileStream(path, options);
            file.Write(Encoding.ASCII.GetBytes(text));
            file.Flush(flushToDisk: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IaaSException(ErrorKind.AccessDenied, "KeyNotWritable", $"{path}: the site's key cannot be written ({e.Message}).",
                "Make the fabric's folder writable for this user.", files.Keys, e);
        }
    }

    private static List<string> Split(string text)
    {
        var all = new List<string>();
        while (PemEncoding.TryFind(text, out var found))
        {
            all.Add(text[found.Location]);
            text = text[found.Location.End..];
        }

        return all;
    }

    private static string Read(string path)
    {
        try
        {
            if (new FileInfo(path).Length > Room)
                throw new IOException("it is too long for a key");
            return File.ReadAllText(path).TrimEnd('\r', '\n');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IaaSException(ErrorKind.AccessDenied, "KeyNotReadable", $"{path}: the site's key cannot be read ({e.Message}).",
                "Remove the site with Remove-IaaSSite and make it anew, or put its key there, readable by its owner alone.", path, e);
        }
    }
}
