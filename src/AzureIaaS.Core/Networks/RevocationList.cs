using System.Formats.Asn1;
using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace AzureIaaS.Networks;

/// <summary>An issuer's list of certificates that it has revoked (CRL; RFC 5280, section 5).</summary>
public sealed class RevocationList
{
    /// <summary>The longest that can be used, in bytes of its encoding (DER): what strongSwan's daemon takes, some 1,700 certificates.</summary>
    public const int Longest = ushort.MaxValue;

    private const int LongestFile = 1 << 20;
    private const string PemLabel = "X509 CRL";
    private const string DeltaListExtension = "2.5.29.27";
    private const string Remedy = "Give the whole list of the issuer in -CaCertificate, as PEM or DER, with -RevocationList.";
    private static readonly Asn1Tag Extensions = new(TagClass.ContextSpecific, 0);

    private readonly HashSet<string> _serials = [];

    private RevocationList(byte[] der, string path) => (Der, Path) = (der, path);

    /// <summary>Where it was read from.</summary>
    public string Path { get; }

    /// <summary>The list as it was signed (DER).</summary>
    public ReadOnlyMemory<byte> Der { get; }

    /// <summary>Whose list it is, as a distinguished name in the order of the list.</summary>
    public string Issuer { get; private set; } = "";

    /// <summary>When it was made.</summary>
    public DateTimeOffset ThisUpdate { get; private set; }

    /// <summary>Until when there is to be a newer one; it is good until then.</summary>
    public DateTimeOffset NextUpdate { get; private set; }

    /// <summary>The serial numbers of the revoked certificates, in hexadecimal.</summary>
    public IReadOnlySet<string> SerialNumbers => _serials;

    /// <summary>Reads a list, and checks that it is its issuer's. Whether it is still good is <see cref="Problem"/>'s to say.</summary>
    /// <param name="path">The file, PEM (RFC 7468) or DER.</param>
    /// <param name="issuer">The issuer's certificate.</param>
    /// <exception cref="IaaSException">It cannot be read, is no list, or not this issuer's.</exception>
    public static RevocationList Read(string path, X509Certificate2 issuer)
    {
        ArgumentNullException.ThrowIfNull(issuer);
        var der = Decode(ReadBytes(path));
        if (der.Length > Longest)
            throw Invalid($"{path}: a list of {der.Length:N0} bytes is longer than strongSwan's daemon takes ({Longest:N0} bytes).", "Have the gateways' certificates issued by a CA of their own, whose list is short.", path);
        var list = new RevocationList(der, path);
        try
        {
            list.ReadSigned(der, issuer);
        }
        catch (Exception e) when (e is AsnContentException or CryptographicException)
        {
            throw Invalid($"{path}: no list of revoked certificates can be read from it ({e.Message.TrimEnd('.')}).", Remedy, path, e);
        }

        return list;
    }

    /// <summary>Whether a certificate is on it.</summary>
    /// <param name="certificate">The certificate; one of another issuer is not.</param>
    public bool Revokes(X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(certificate);
        return SiteCertificate.TextOf(certificate.IssuerName) == Issuer && _serials.Contains(TextOf(certificate.SerialNumberBytes.Span));
    }

    /// <summary>Why it is not good at a time; null when it is.</summary>
    /// <param name="now">The time.</param>
    public string? Problem(DateTimeOffset now)
    {
        if (now > NextUpdate)
            return string.Create(CultureInfo.InvariantCulture, $"{Path}: the list of revoked certificates of {Issuer} was good until {NextUpdate.UtcDateTime:u}.");
        return now < ThisUpdate ? string.Create(CultureInfo.InvariantCulture, $"{Path}: the list of revoked certificates of {Issuer} is not good before {ThisUpdate.UtcDateTime:u}.") : null;
    }

    private void ReadSigned(byte[] der, X509Certificate2 issuer)
    {
        var whole = new AsnReader(der, AsnEncodingRules.DER);
        var parts = whole.ReadSequence();
        whole.ThrowIfNotEmpty();
        var signed = parts.PeekEncodedValue();
        var list = parts.ReadSequence();
        var algorithm = parts.ReadSequence().ReadObjectIdentifier();
        var signature = parts.ReadBitString(out _);
        parts.ThrowIfNotEmpty();

        if (list.PeekTag().HasSameClassAndValue(Asn1Tag.Integer))
            list.ReadInteger();
        list.ReadSequence();   // the signature's algorithm once more
        var name = new X500DistinguishedName(list.ReadEncodedValue().Span);
        Issuer = SiteCertificate.TextOf(name);
        if (!name.RawData.AsSpan().SequenceEqual(issuer.SubjectName.RawData))
            throw Invalid($"{Path} is the list of {Issuer}, and not of {SiteCertificate.TextOf(issuer.SubjectName)}.", Remedy, Path);
        if (!IsSigned(signed.Span, signature, algorithm, issuer))
            throw Invalid($"{Path}: the signature on the list is not that of {Issuer}.", "Take the list anew from where its issuer publishes it.", Path);
        ThisUpdate = ReadTime(list);
        if (!list.HasData || !IsTime(list.PeekTag()))
            throw Invalid($"{Path}: the list does not say until when it is good.", "Have its issuer make lists that say when the next one comes (RFC 5280, section 5.1.2.5).", Path);
        NextUpdate = ReadTime(list);
        if (list.HasData && list.PeekTag().HasSameClassAndValue(Asn1Tag.Sequence))
            ReadEntries(list.ReadSequence());
        if (list.HasData && IsDelta(list.ReadSequence(Extensions).ReadSequence()))
            throw Invalid($"{Path} holds only what has changed since another list (a delta CRL).", Remedy, Path);
    }

    private void ReadEntries(AsnReader entries)
    {
        while (entries.HasData)
            _serials.Add(TextOf(entries.ReadSequence().ReadIntegerBytes().Span));
    }

    /// <summary>A serial number as text; the byte before a first bit that is set belongs to its encoding alone.</summary>
    private static string TextOf(ReadOnlySpan<byte> serial) => Convert.ToHexString(serial.TrimStart((byte)0));

    private static bool IsDelta(AsnReader extensions)
    {
        while (extensions.HasData)
        {
            if (extensions.ReadSequence().ReadObjectIdentifier() == DeltaListExtension)
                return true;
        }

        return false;
    }

    /// <summary>Whether a signature is the issuer's. Of other algorithms than the usual ones the IKE daemon is left to judge, as it does in any case.</summary>
    private static bool IsSigned(ReadOnlySpan<byte> data, byte[] signature, string algorithm, X509Certificate2 issuer)
    {
        HashAlgorithmName? rsa = algorithm switch
        {
            "1.2.840.113549.1.1.11" => HashAlgorithmName.SHA256,
            "1.2.840.113549.1.1.12" => HashAlgorithmName.SHA384,
            "1.2.840.113549.1.1.13" => HashAlgorithmName.SHA512,
            _ => null,
        };
        HashAlgorithmName? ecdsa = algorithm switch
        {
            "1.2.840.10045.4.3.2" => HashAlgorithmName.SHA256,
            "1.2.840.10045.4.3.3" => HashAlgorithmName.SHA384,
            "1.2.840.10045.4.3.4" => HashAlgorithmName.SHA512,
            _ => null,
        };
        using var rsaKey = issuer.GetRSAPublicKey();
        using var ecdsaKey = issuer.GetECDsaPublicKey();
        if (rsa is not null)
            return rsaKey?.VerifyData(data, signature, rsa.Value, RSASignaturePadding.Pkcs1) == true;
        return ecdsa is null || ecdsaKey?.VerifyData(data, signature, ecdsa.Value, DSASignatureFormat.Rfc3279DerSequence) == true;
    }

    private static bool IsTime(Asn1Tag tag) => tag.HasSameClassAndValue(Asn1Tag.UtcTime) || tag.HasSameClassAndValue(Asn1Tag.GeneralizedTime);

    private static DateTimeOffset ReadTime(AsnReader list) => list.PeekTag().HasSameClassAndValue(Asn1Tag.UtcTime) ? list.ReadUtcTime() : list.ReadGeneralizedTime();

    private static byte[] Decode(byte[] bytes)
    {
        var text = Encoding.ASCII.GetString(bytes);
        while (PemEncoding.TryFind(text, out var found))
        {
            if (text[found.Label] == PemLabel)
                return Convert.FromBase64String(text[found.Base64Data]);
            text = text[found.Location.End..];
        }

        return bytes;
    }

    private static byte[] ReadBytes(string path)
    {
        try
        {
            using var file = File.OpenRead(path);
            if (file.Length > LongestFile)
                throw new IOException("it is too long for a list of revoked certificates");
            var bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IaaSException(ErrorKind.AccessDenied, "RevocationListNotReadable", $"{path}: the list of revoked certificates cannot be read ({e.Message.TrimEnd('.')}).", "Put the list of the issuer there, readable by root.", path, e);
        }
    }

    private static IaaSException Invalid(string message, string remedy, string path, Exception? inner = null) => new(ErrorKind.InvalidArgument, "InvalidRevocationList", message, remedy, path, inner);
}
