using System.Security.Cryptography.X509Certificates;
using AzureIaaS.Networks;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Networks;

public sealed class RevocationListTests : IDisposable
{
    private static readonly DateTimeOffset Now = TimeProvider.System.GetUtcNow();

    private readonly string _folder = Directory.CreateTempSubdirectory("azureiaas-").FullName;
    private readonly TestCertificates _issuer = new();
    private readonly X509Certificate2 _ca;

    public RevocationListTests() => _ca = X509Certificate2.CreateFromPem(_issuer.CaPem);

    public void Dispose()
    {
        _ca.Dispose();
        _issuer.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void WhoIsOnItIsKnownFromPemAndFromDer()
    {
        var all = Enumerable.Range(0, 40).Select(i => _issuer.Issue($"CN=gateway {i}")).ToList();
        using var free = _issuer.Issue("CN=free");
        var der = _issuer.Revoke(revoked: [.. all]);
        foreach (var path in new[] { Write("list.der", der), Write("list.pem", System.Text.Encoding.ASCII.GetBytes($"# of the CA\n{_issuer.CaPem}{PemOf(der)}")) })
        {
            var list = RevocationList.Read(path, _ca);
            Assert.All(all, c => Assert.True(list.Revokes(c), c.SerialNumber));
            Assert.False(list.Revokes(free));
            Assert.Equal(("C=CH, O=Contoso, CN=Test CA", 40), (list.Issuer, list.SerialNumbers.Count));
            Assert.Equal(der, list.Der.ToArray());
        }

        all.ForEach(c => c.Dispose());
    }

    [Fact]
    public void ItIsGoodForItsTimeAndNoOther()
    {
        var list = RevocationList.Read(Write("list", _issuer.Revoke(days: 7, made: 1)), _ca);
        Assert.Equal(TimeSpan.FromDays(8), list.NextUpdate - list.ThisUpdate);
        Assert.Equal((null, null), (list.Problem(list.ThisUpdate), list.Problem(list.NextUpdate)));
        Assert.Contains("was good until", list.Problem(list.NextUpdate.AddSeconds(1)), StringComparison.Ordinal);
        Assert.Contains("is not good before", list.Problem(list.ThisUpdate.AddSeconds(-1)), StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsNotTheIssuersWholeListIsRefused()
    {
        using var other = new TestCertificates("Other CA");
        using var namesake = new TestCertificates();
        var good = _issuer.Revoke();
        Refused(other.Revoke(), "is the list of C=CH, O=Contoso, CN=Other CA, and not of");
        Refused(namesake.Revoke(), "signature on the list is not that of");
        Refused([.. good, 0], "no list of revoked certificates can be read");
        Refused([], "no list of revoked certificates can be read");
        Refused(System.Text.Encoding.ASCII.GetBytes(_issuer.CaPem), "no list of revoked certificates can be read");
        Refused(new byte[RevocationList.Longest + 1], "is longer than strongSwan's daemon takes");
        var error = Assert.Throws<IaaSException>(() => RevocationList.Read(Path.Combine(_folder, "nothing"), _ca));
        Assert.Equal("RevocationListNotReadable", error.ErrorId);
    }

    [Fact]
    public void WhateverIsChangedIsRefused()
    {
        using var one = _issuer.Issue("CN=one");
        var good = _issuer.Revoke(revoked: one);
        var random = new Random(17);
        var path = Path.Combine(_folder, "changed");
        for (var i = 0; i < 500 * Mutation.Times; i++)
        {
            var bytes = good.ToArray();
            Mutation.Change(bytes.AsSpan(random.Next(bytes.Length - 8), 8), bytes.Length, random);
            if (bytes.AsSpan().SequenceEqual(good))
                continue;
            File.WriteAllBytes(path, bytes);
            try
            {
                // An algorithm that is not known here is the daemon's to judge; nobody is let off by it.
                var list = RevocationList.Read(path, _ca);
                Assert.NotEqual(good.AsSpan(SignatureAlgorithmAt(good), 10).ToArray(), bytes.AsSpan(SignatureAlgorithmAt(good), 10).ToArray());
                Assert.True(list.Revokes(one), Convert.ToHexString(bytes));
            }
            catch (IaaSException e)
            {
                Assert.Equal("InvalidRevocationList", e.ErrorId);
            }
        }
    }

    [Fact]
    public void ASiteIsNotMadeWithAListThatIsTooOldNorByACertificateThatIsOnIt()
    {
        using var own = _issuer.Issue("CN=cloud", dnsName: "vpn.cloud.example");
        var (certificate, ca) = (Write("own.pfx", own.Export(X509ContentType.Pkcs12)), Write("ca.pem", System.Text.Encoding.ASCII.GetBytes(_issuer.CaPem)));
        SiteCredential Read(byte[] list, Site site) => CertificateFile.Read(new CertificateFiles(certificate, null, ca, Write("list", list)), null, site, Now);
        Assert.Equal("RevocationListExpired", Assert.Throws<IaaSException>(() => Read(_issuer.Revoke(days: -1), new Site())).ErrorId);
        Assert.Equal("CertificateRevoked", Assert.Throws<IaaSException>(() => Read(_issuer.Revoke(revoked: own), new Site())).ErrorId);
        var site = new Site();
        Read(_issuer.Revoke(), site);
        Assert.Equal(Path.Combine(_folder, "list"), site.RevocationList);
    }

    /// <summary>Where a list says for the second time, outside what is signed, how it is signed.</summary>
    private static int SignatureAlgorithmAt(byte[] list) => list.AsSpan().LastIndexOf((byte[])[0x06, 0x08, 0x2A, 0x86, 0x48, 0xCE, 0x3D, 0x04, 0x03, 0x02]);

    private static string PemOf(byte[] der) => new(System.Security.Cryptography.PemEncoding.Write("X509 CRL", der));

    private void Refused(byte[] list, string words)
    {
        var error = Assert.Throws<IaaSException>(() => RevocationList.Read(Write("refused", list), _ca));
        Assert.Equal("InvalidRevocationList", error.ErrorId);
        Assert.Contains(words, error.Message, StringComparison.Ordinal);
    }

    private string Write(string name, byte[] bytes)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }
}
