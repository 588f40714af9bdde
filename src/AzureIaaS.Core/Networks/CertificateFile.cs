using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace AzureIaaS.Networks;

/// <summary>Where the certificates of a site come from: PEM (RFC 7468) or PKCS #12 files.</summary>
/// <param name="Certificate">The path of this side's certificate: PEM, or PKCS #12 (.pfx, .p12) with its key.</param>
/// <param name="Key">The path of its private key as PEM; null where it is in the certificate's own file.</param>
/// <param name="CaCertificate">The path of the certificate of the other side's issuer, PEM or DER.</param>
/// <param name="RevocationList">The path of that issuer's list of revoked certificates, PEM or DER; null where none is to be asked.</param>
public sealed record CertificateFiles(string Certificate, string? Key, string CaCertificate, string? RevocationList = null);

/// <summary>Reads a site's certificates, and refuses what no gateway could work with, before anything is made.</summary>
public static class CertificateFile
{
    private const int LongestFile = 1 << 20;
    private const int ShortestRsaKey = 2048;
    private const string PemMark = "-----BEGIN ";
    private const string EncryptedKeyMark = "-----BEGIN ENCRYPTED PRIVATE KEY-----";
    private const string PublicPart = "Give a PEM file with the certificate and -CertificateKey, or a PKCS #12 file (.pfx) with both.";

    /// <summary>Reads the files, and fills in what a site says of them.</summary>
    /// <param name="files">The files.</param>
    /// <param name="password">What the private key is encrypted with; null where it is not.</param>
    /// <param name="site">The site; its certificates and identities are filled.</param>
    /// <param name="now">The time at which the certificates must be valid.</param>
    /// <exception cref="IaaSException">Something of it cannot be used; the message says what, and never holds a secret.</exception>
    public static SiteCredential Read(CertificateFiles files, string? password, Site site, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(files);
        ArgumentNullException.ThrowIfNull(site);
        var all = ReadOwn(files, password);
        using var ca = ReadCa(files.CaCertificate);
        try
        {
            var own = all[0];
            CheckKey(own, files.Certificate);
            (site.Authentication, site.Certificate, site.CaCertificate) = (SiteAuthentication.Certificate, SiteCertificate.Of(own), SiteCertificate.Of(ca));
            foreach (var (certificate, path) in new[] { (site.Certificate, files.Certificate), (site.CaCertificate, files.CaCertificate) })
            {
                if (certificate.Problem(now) is { } problem)
                    throw Invalid(now > certificate.NotAfter ? "CertificateExpired" : "CertificateNotYetValid", problem, "Give one that is valid now; its issuer can renew it.", path);
            }

            if (files.RevocationList is not null)
                CheckRevocation(files, own, ca, now);
            site.RevocationList = files.RevocationList;
            // Without a name of its own, the other gateway expects what the certificate says it is for.
            site.LocalIdentity ??= IdentityOf(own, site.LocalAddress);
            return SiteCredential.OfCertificate(string.Concat(all.Select(c => c.ExportCertificatePem() + "\n")), KeyOf(own).ExportPkcs8PrivateKeyPem(), ca.ExportCertificatePem());
        }
        finally
        {
            all.ForEach(c => c.Dispose());
        }
    }

    /// <summary>
    /// What a certificate's owner is called by: the address, if it is for that; else its first DNS name; else its subject, in its encoding where
    /// gateways would not read its words as they are meant.
    /// </summary>
    private static string IdentityOf(X509Certificate2 certificate, string address)
    {
        var names = certificate.Extensions.OfType<X509SubjectAlternativeNameExtension>().FirstOrDefault();
        if (IPAddress.TryParse(address, out var local) && names?.EnumerateIPAddresses().Contains(local) == true)
            return address;
        var subject = SiteCertificate.TextOf(certificate.SubjectName);
        return names?.EnumerateDnsNames().FirstOrDefault() ?? (subject.AsSpan().IndexOfAny("\"+\\?") >= 0 ? "asn1dn:#" + Convert.ToHexString(certificate.SubjectName.RawData) : subject);
    }

    /// <summary>The certificate with its key first, then those that its file holds beside it.</summary>
    private static List<X509Certificate2> ReadOwn(CertificateFiles files, string? password)
    {
        var bytes = ReadBytes(files.Certificate);
        try
        {
            if (!IsPem(bytes))
                return ReadPkcs12(bytes, password, files.Certificate);
            var text = Encoding.ASCII.GetString(bytes);
            var key = files.Key is null ? text : Encoding.ASCII.GetString(ReadBytes(files.Key));
            var isEncrypted = key.Contains(EncryptedKeyMark, StringComparison.Ordinal);
            if (isEncrypted && password is null)
                throw Invalid("PasswordNeeded", $"{files.Key ?? files.Certificate}: the private key is encrypted.", "Give its password with -CertificatePassword.", files.Key ?? files.Certificate);
            var own = isEncrypted ? X509Certificate2.CreateFromEncryptedPem(text, key, password) : X509Certificate2.CreateFromPem(text, key);
            var chain = new X509Certificate2Collection();
            chain.ImportFromPem(text);
            return [own, .. chain.Where(c => c.Thumbprint != own.Thumbprint)];
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw Invalid("InvalidCertificate", $"{files.Certificate}: no certificate with its private key can be read from it ({e.Message.TrimEnd('.')}).",
                "Check that the key is the certificate's own, and the password. " + PublicPart, files.Certificate, e);
        }
    }

    private static List<X509Certificate2> ReadPkcs12(byte[] bytes, string? password, string path)
    {
        var all = new X509Certificate2Collection();
        // Not written to a key store on the way, where the system can do without.
        all.Import(bytes, password, X509KeyStorageFlags.Exportable | (OperatingSystem.IsMacOS() ? X509KeyStorageFlags.DefaultKeySet : X509KeyStorageFlags.EphemeralKeySet));
        return all.FirstOrDefault(c => c.HasPrivateKey) is { } own ? [own, .. all.Where(c => c != own)]
            : throw Invalid("CertificateWithoutKey", $"{path} holds a certificate and no private key.", PublicPart, path);
    }

    private static X509Certificate2 ReadCa(string path)
    {
        var bytes = ReadBytes(path);
        X509Certificate2 ca;
        try
        {
            ca = IsPem(bytes) ? X509Certificate2.CreateFromPem(Encoding.ASCII.GetString(bytes)) : new X509Certificate2(bytes);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw Invalid("InvalidCertificate", $"{path}: no certificate can be read from it ({e.Message.TrimEnd('.')}).", "Give the certificate of who issued the site's gateway's, as PEM or DER, with -CaCertificate.", path, e);
        }

        if (ca.Extensions.OfType<X509BasicConstraintsExtension>().Any(b => b.CertificateAuthority))
            return ca;
        ca.Dispose();
        throw Invalid("NotACaCertificate", $"{path} is no certificate of an issuer (a CA).", "Give the certificate of who issued the site's gateway's with -CaCertificate.", path);
    }

    private static void CheckRevocation(CertificateFiles files, X509Certificate2 own, X509Certificate2 ca, DateTimeOffset now)
    {
        var list = RevocationList.Read(files.RevocationList!, ca);
        if (list.Problem(now) is { } problem)
            throw Invalid("RevocationListExpired", problem, "Take the present list from where its issuer publishes it.", files.RevocationList!);
        if (list.Revokes(own))
            throw Invalid("CertificateRevoked", $"{files.Certificate}: the certificate of {SiteCertificate.TextOf(own.SubjectName)} was revoked by its issuer.", "Have another one issued.", files.Certificate);
    }

    private static void CheckKey(X509Certificate2 certificate, string path)
    {
        var key = KeyOf(certificate);
        if (key is RSA && key.KeySize < ShortestRsaKey)
            throw Invalid("WeakKey", $"{path}: an RSA key of {key.KeySize} bits can be broken.", $"Have a certificate issued for a key of at least {ShortestRsaKey} bits.", path);
    }

    private static AsymmetricAlgorithm KeyOf(X509Certificate2 certificate) => (AsymmetricAlgorithm?)certificate.GetRSAPrivateKey() ?? certificate.GetECDsaPrivateKey()
        ?? throw Invalid("KeyKindUnsupported", $"The certificate of {certificate.Subject} has a key of a kind that gateways do not agree on.", "Have a certificate issued for an RSA or an elliptic-curve key (ECDSA).", certificate.Subject);

    private static bool IsPem(byte[] bytes) => bytes.AsSpan().IndexOf(Encoding.ASCII.GetBytes(PemMark)) >= 0;

    private static byte[] ReadBytes(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > LongestFile)
                throw new IOException("it is too long for certificates");
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IaaSException(e is FileNotFoundException or DirectoryNotFoundException ? ErrorKind.NotFound : ErrorKind.AccessDenied, "CertificateNotReadable",
                $"{path}: it cannot be read ({e.Message}).", "Give the path of a file that this user can read.", path, e);
        }
    }

    private static IaaSException Invalid(string id, string message, string remedy, object target, Exception? inner = null) => new(ErrorKind.InvalidArgument, id, message, remedy, target, inner);
}
