using System.Globalization;
using System.Security.Cryptography.X509Certificates;

namespace AzureIaaS;

/// <summary>How two gateways prove to each other who they are.</summary>
[System.Text.Json.Serialization.JsonConverter(typeof(System.Text.Json.Serialization.JsonStringEnumConverter<SiteAuthentication>))]
public enum SiteAuthentication
{
    /// <summary>By a key that both know.</summary>
    SharedKey,

    /// <summary>By an X.509 certificate each (RFC 7296, section 2.15).</summary>
    Certificate,
}

/// <summary>What everybody may know of a certificate.</summary>
public sealed record SiteCertificate
{
    /// <summary>Whose it is, as a distinguished name in the order of the certificate.</summary>
    public string Subject { get; init; } = "";

    /// <summary>Who issued it, as a distinguished name in the order of the certificate.</summary>
    public string Issuer { get; init; } = "";

    /// <summary>Its SHA-1 digest in hexadecimal, by which PowerShell and Windows name certificates.</summary>
    public string Thumbprint { get; init; } = "";

    /// <summary>From when it is valid.</summary>
    public DateTimeOffset NotBefore { get; init; }

    /// <summary>Until when it is valid.</summary>
    public DateTimeOffset NotAfter { get; init; }

    /// <summary>What everybody may know of a certificate.</summary>
    /// <param name="certificate">The certificate.</param>
    public static SiteCertificate Of(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return new()
        {
            Subject = TextOf(certificate.SubjectName),
            Issuer = TextOf(certificate.IssuerName),
            Thumbprint = certificate.Thumbprint,
            NotBefore = certificate.NotBefore.ToUniversalTime(),
            NotAfter = certificate.NotAfter.ToUniversalTime(),
        };
    }

    /// <summary>A name in its own order, which its property turns around, and on one line: it goes into configurations.</summary>
    /// <param name="name">The name.</param>
    internal static string TextOf(X500DistinguishedName name) => string.Concat(name.Decode(X500DistinguishedNameFlags.None).Select(c => char.IsControl(c) ? '?' : c));

    /// <summary>Why it is not valid at a time; null when it is.</summary>
    /// <param name="now">The time.</param>
    public string? Problem(DateTimeOffset now)
    {
        if (now > NotAfter)
            return string.Create(CultureInfo.InvariantCulture, $"The certificate of {Subject} ({Thumbprint}) expired on {NotAfter.UtcDateTime:u}.");
        return now < NotBefore ? string.Create(CultureInfo.InvariantCulture, $"The certificate of {Subject} ({Thumbprint}) is not valid before {NotBefore.UtcDateTime:u}.") : null;
    }

    /// <summary>Its subject, its thumbprint, and until when it is valid.</summary>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Subject} ({Thumbprint}), valid until {NotAfter.UtcDateTime:u}");
}
