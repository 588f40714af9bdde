using System.Security.Cryptography.X509Certificates;
using AzureIaaS.Networks;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>A site's list of revoked certificates, read again whenever its file is replaced. What cannot be used does not take the place of what can.</summary>
/// <param name="path">The file.</param>
/// <param name="readIssuer">Reads the issuer's certificate, as PEM.</param>
internal sealed class RevocationFile(string path, Func<string> readIssuer)
{
    private (DateTime Written, long Length)? _seen;

    /// <summary>The list in use; null while there is none.</summary>
    public RevocationList? List { get; private set; }

    /// <summary>Why what lies there now is not used; null when it is.</summary>
    public string? Trouble { get; private set; }

    /// <summary>Reads the file, if it is another than before.</summary>
    /// <returns>Whether there is a new list.</returns>
    public bool Refresh()
    {
        var file = new FileInfo(path);
        var now = file.Exists ? (file.LastWriteTimeUtc, file.Length) : default;
        if (_seen == now)
            return false;
        _seen = now;
        try
        {
            using var issuer = X509Certificate2.CreateFromPem(readIssuer());
            var list = RevocationList.Read(path, issuer);
            if (list.ThisUpdate < List?.ThisUpdate)
            {
                Trouble = $"{path}: the list of revoked certificates is older than the one before it, which is used. Put the present one there.";
                return false;
            }

            (List, Trouble) = (list, null);
            return true;
        }
        catch (IaaSException e)
        {
            Trouble = $"{e.Message} {e.Remedy}";
            return false;
        }
    }

    /// <summary>Why no tunnel can be begun by it; null when one can.</summary>
    /// <param name="now">The time.</param>
    public string? Obstacle(DateTimeOffset now) =>
        List is null ? Trouble : List.Problem(now) is { } problem ? $"{problem} Put the present one there: until then no tunnel is begun." : null;
}
