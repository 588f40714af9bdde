using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace AzureIaaS.Tests.Networks;

/// <summary>An issuer of a test's own, and what it issues, as files in a folder.</summary>
internal sealed class TestCertificates : IDisposable
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly X509Certificate2 _ca;
    private int _lists;

    /// <summary>Makes an issuer.</summary>
    /// <param name="name">Its name.</param>
    public TestCertificates(string name = "Test CA")
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(NameOf($"C=CH, O=Contoso, CN={name}"), key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        _ca = request.CreateSelfSigned(Now.AddYears(-3), Now.AddYears(3));
    }

    /// <summary>The issuer's certificate.</summary>
    public string CaPem => _ca.ExportCertificatePem() + "\n";

    /// <summary>Issues a certificate.</summary>
    /// <param name="subject">Whose.</param>
    /// <param name="address">The address that it is for; null for none.</param>
    /// <param name="dnsName">The DNS name that it is for; null for none.</param>
    /// <param name="days">For how many days from now on it is valid; less than 0, how many days ago it expired.</param>
    /// <param name="key">Its key; an elliptic-curve one when left out.</param>
    public X509Certificate2 Issue(string subject, string? address = null, string? dnsName = null, int days = 30, AsymmetricAlgorithm? key = null)
    {
        using var made = key is null ? ECDsa.Create(ECCurve.NamedCurves.nistP256) : null;
        var request = (key ?? made!) is RSA rsa
            ? new CertificateRequest(NameOf(subject), rsa, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1)
            : new CertificateRequest(NameOf(subject), (ECDsa)(key ?? made!), HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        if (address is not null)
            names.AddIpAddress(IPAddress.Parse(address));
        if (dnsName is not null)
            names.AddDnsName(dnsName);
        if (address is not null || dnsName is not null)
            request.CertificateExtensions.Add(names.Build());
        using var issued = request.Create(_ca.SubjectName, X509SignatureGenerator.CreateForECDsa(_ca.GetECDsaPrivateKey()!), Now.AddDays(days < 0 ? 2 * days : -1), Now.AddDays(days), RandomNumberGenerator.GetBytes(8));
        return (key ?? made!) is RSA own ? issued.CopyWithPrivateKey(own) : issued.CopyWithPrivateKey((ECDsa)(key ?? made!));
    }

    /// <summary>The issuer's list of revoked certificates, as DER.</summary>
    /// <param name="days">For how many days from now on it is good; less than 0, how many days ago it was.</param>
    /// <param name="made">How many days ago it was made.</param>
    /// <param name="revoked">Those that are on it.</param>
    public byte[] Revoke(int days = 7, int made = 8, params X509Certificate2[] revoked)
    {
        var list = new CertificateRevocationListBuilder();
        foreach (var certificate in revoked)
            list.AddEntry(certificate, Now.AddMinutes(-1), X509RevocationReason.KeyCompromise);
        return list.Build(_ca, ++_lists, Now.AddDays(days), HashAlgorithmName.SHA256, null, Now.AddDays(-made));
    }

    /// <summary>A certificate's private key as PEM.</summary>
    public static string KeyPem(X509Certificate2 certificate) => ((AsymmetricAlgorithm?)certificate.GetRSAPrivateKey() ?? certificate.GetECDsaPrivateKey()!).ExportPkcs8PrivateKeyPem() + "\n";

    /// <summary>A name in the order in which it is written.</summary>
    private static X500DistinguishedName NameOf(string subject) => new(subject, X500DistinguishedNameFlags.None);

    public void Dispose() => _ca.Dispose();
}
