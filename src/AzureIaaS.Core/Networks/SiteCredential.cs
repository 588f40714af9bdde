namespace AzureIaaS.Networks;

/// <summary>With what this side's gateway proves who it is: a shared key, or a certificate with its private key. It never shows its secrets by itself.</summary>
public sealed class SiteCredential
{
    private SiteCredential()
    {
    }

    /// <summary>How the gateways prove who they are.</summary>
    public SiteAuthentication Authentication => SharedKey is null ? SiteAuthentication.Certificate : SiteAuthentication.SharedKey;

    /// <summary>The shared key; null with a certificate.</summary>
    public string? SharedKey { get; private init; }

    /// <summary>This side's certificate, and those that lead from it to its issuer, as PEM; null with a shared key.</summary>
    public string? CertificatePem { get; private init; }

    /// <summary>The certificate's private key as PEM (PKCS #8), not encrypted; null with a shared key.</summary>
    public string? PrivateKeyPem { get; private init; }

    /// <summary>The certificate of whoever issued the other gateway's, as PEM; null with a shared key.</summary>
    public string? CaCertificatePem { get; private init; }

    /// <summary>A shared key.</summary>
    /// <param name="key">The key.</param>
    /// <exception cref="IaaSException">No gateway would take it.</exception>
    public static SiteCredential OfSharedKey(string key) => new() { SharedKey = Networks.SharedKey.Check(key) };

    /// <summary>A certificate.</summary>
    /// <param name="certificates">This side's certificate first, as PEM.</param>
    /// <param name="privateKey">Its private key, as PEM.</param>
    /// <param name="caCertificate">The certificate of the other side's issuer, as PEM.</param>
    internal static SiteCredential OfCertificate(string certificates, string privateKey, string caCertificate) =>
        new() { CertificatePem = certificates, PrivateKeyPem = privateKey, CaCertificatePem = caCertificate };

    /// <summary>What kind it is, and nothing of what it holds.</summary>
    public override string ToString() => Authentication.ToString();
}
