using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using AzureIaaS.Networks;

namespace AzureIaaS.Tests.Networks;

public sealed class CertificateFileTests : IDisposable
{
    private const string Password = "pass word";
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly string _folder = Directory.CreateTempSubdirectory("azureiaas-").FullName;
    private readonly TestCertificates _issuer = new();

    public void Dispose()
    {
        _issuer.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void PemAndPkcs12WithAndWithoutAPasswordAreTheSameCertificate()
    {
        using var own = _issuer.Issue("C=CH, CN=cloud", dnsName: "vpn.cloud.example");
        var both = Write("both.pem", own.ExportCertificatePem() + "\n" + TestCertificates.KeyPem(own) + _issuer.CaPem);
        var alone = Write("cert.pem", own.ExportCertificatePem());
        var key = Write("key.pem", own.GetECDsaPrivateKey()!.ExportEncryptedPkcs8PrivateKeyPem(Password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000)));
        var pfx = Write("own.pfx", own.Export(X509ContentType.Pkcs12, Password));
        foreach (var (file, keyFile, password) in new[] { (both, null, null), (alone, key, Password), (pfx, (string?)null, (string?)Password) })
        {
            var site = Office();
            var credential = Read(site, file, keyFile, password);
            Assert.Equal(SiteAuthentication.Certificate, credential.Authentication);
            Assert.Equal((SiteAuthentication.Certificate, own.Thumbprint, "vpn.cloud.example"), (site.Authentication, site.Certificate!.Thumbprint, site.LocalIdentity));
            Assert.Equal(("C=CH, CN=cloud", "C=CH, O=Contoso, CN=Test CA"), (site.Certificate.Subject, site.CaCertificate!.Subject));
            using var again = X509Certificate2.CreateFromPem(credential.CertificatePem, credential.PrivateKeyPem);
            Assert.Equal(own.Thumbprint, again.Thumbprint);
            Assert.Equal(file == both ? 2 : 1, credential.CertificatePem!.Split("-----BEGIN").Length - 1);
            Assert.DoesNotContain("BEGIN", credential.ToString() + System.Text.Json.JsonSerializer.Serialize(site, CoreJson.Default.Site), StringComparison.Ordinal);
        }
    }

    [Fact]
    public void ThisSideIsCalledAsItsCertificateSays()
    {
        foreach (var (address, name, identity) in new[] { ("203.0.113.1", "vpn.cloud.example", "203.0.113.1"), ("203.0.113.99", "vpn.cloud.example", "vpn.cloud.example"), (null, (string?)null, "O=Contoso, CN=cloud") })
        {
            using var own = _issuer.Issue("O=Contoso, CN=cloud", address, name);
            var site = Office();
            Read(site, Both(own));
            Assert.Equal(identity, site.LocalIdentity);
        }
    }

    [Fact]
    public void WhatNoGatewayCouldWorkWithIsRefused()
    {
        using var good = _issuer.Issue("CN=cloud");
        using var expired = _issuer.Issue("CN=cloud", days: -1);
        using var rsa = RSA.Create(1024);
        using var weak = _issuer.Issue("CN=cloud", key: rsa);
        var encrypted = good.GetECDsaPrivateKey()!.ExportEncryptedPkcs8PrivateKeyPem(Password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000));
        var refusal = Refuse("CertificateExpired", Both(expired));
        Assert.Contains(expired.NotAfter.ToUniversalTime().ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture), refusal.Message, StringComparison.Ordinal);
        Refuse("CertificateNotYetValid", Both(good), now: Now.AddDays(-2));
        Refuse("WeakKey", Both(weak));
        Refuse("InvalidCertificate", Write("noise", "noise"u8.ToArray()));
        Refuse("InvalidCertificate", Write("cert.pem", good.ExportCertificatePem()));
        Refuse("InvalidCertificate", Write("cert.pem", good.ExportCertificatePem()), Write("other.key", TestCertificates.KeyPem(expired)));
        Refuse("PasswordNeeded", Write("cert.pem", good.ExportCertificatePem()), Write("own.key", encrypted));
        Refuse("InvalidCertificate", Write("cert.pem", good.ExportCertificatePem()), Write("own.key", encrypted), "wrong");
        Refuse("InvalidCertificate", Write("own.pfx", good.Export(X509ContentType.Pkcs12, Password)), password: "wrong");
        using (var noKey = X509Certificate2.CreateFromPem(good.ExportCertificatePem()))
            Refuse("CertificateWithoutKey", Write("nokey.pfx", noKey.Export(X509ContentType.Pkcs12)));
        Refuse("CertificateNotReadable", Path.Combine(_folder, "missing.pem"));
        Refuse("CertificateNotReadable", Write("huge.pem", new byte[(1 << 20) + 1]));
        Refuse("NotACaCertificate", Both(good), ca: Write("notca.pem", good.ExportCertificatePem()));
        Refuse("InvalidCertificate", Both(good), ca: Write("noise", "-----BEGIN noise"u8.ToArray()));
    }

    [Fact]
    public void ConfigurationsSayWhereCertificatesGoAndNeverHoldAKey()
    {
        var network = new VirtualNetwork { Name = "corp", Subnet = "10.20.0.0/24", GatewayAddress = "10.20.0.1" };
        using var own = _issuer.Issue("O=\"Con, toso\", CN=cloud");
        var site = Office();
        site.GatewayIdentity = "vpn.office.example";
        Read(site, Both(own));
        var text = SiteConfiguration.ForStrongSwan(site, network, null);
        Assert.Contains("auth = pubkey\n            certs = corp.pem\n            id = vpn.office.example\n", text, StringComparison.Ordinal);
        Assert.Contains("who issued this side's, to /etc/swanctl/x509ca", text, StringComparison.Ordinal);
        Assert.StartsWith("asn1dn:#30", site.LocalIdentity, StringComparison.Ordinal);   // in words it would be two names
        Assert.Contains($"id = \"{site.LocalIdentity}\"\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", text, StringComparison.Ordinal);
        Assert.DoesNotContain("psk", text, StringComparison.Ordinal);
        var table = SiteConfiguration.Table(site, network, null);
        Assert.Contains(new SiteParameter("This gateway's identity", "vpn.office.example"), table);
        Assert.Contains(new SiteParameter("Remote gateway's certificate", own.Thumbprint), table);
        Assert.DoesNotContain(table, p => p.Name == "Shared key");
    }

    private string Both(X509Certificate2 certificate) => Write("both.pem", certificate.ExportCertificatePem() + "\n" + TestCertificates.KeyPem(certificate));

    private string Write(string name, string text) => Write(name, System.Text.Encoding.ASCII.GetBytes(text));

    private string Write(string name, byte[] bytes)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    private SiteCredential Read(Site site, string file, string? key = null, string? password = null, string? ca = null, DateTimeOffset? now = null) =>
        CertificateFile.Read(new CertificateFiles(file, key, ca ?? Write("ca.pem", _issuer.CaPem)), password, site, now ?? Now);

    private IaaSException Refuse(string id, string file, string? key = null, string? password = null, string? ca = null, DateTimeOffset? now = null)
    {
        var refusal = Assert.Throws<IaaSException>(() => Read(Office(), file, key, password, ca, now));
        Assert.Equal(id, refusal.ErrorId);
        Assert.False(string.IsNullOrEmpty(refusal.Remedy));
        return refusal;
    }

    private static Site Office() => new() { Name = "office", Subnets = ["192.168.10.0/24"], GatewayAddress = "203.0.113.7", LocalAddress = "203.0.113.1" };
}
