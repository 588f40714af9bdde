using System.Security.Cryptography;
using System.Text.RegularExpressions;
using AzureIaaS.Disks;

namespace AzureIaaS.Appliances;

/// <summary>The manifest of an OVF (DSP0243, "Distribution as a set of files"): lines of <c>SHA256(file)= digest</c>.</summary>
internal static partial class OvfManifest
{
    /// <summary>Gives each disk of a description the digest that the manifest has of its file.</summary>
    /// <param name="description">The description.</param>
    /// <param name="manifest">The manifest's text; null where there is none.</param>
    public static MachineDescription Add(MachineDescription description, string? manifest)
    {
        if (manifest is null)
            return description;
        var digests = Line().Matches(manifest).DistinctBy(m => m.Groups["file"].Value).ToDictionary(m => m.Groups["file"].Value, m => $"{m.Groups["name"].Value}:{m.Groups["digest"].Value}");
        return description with { Disks = [.. description.Disks.Select(d => d with { Digest = digests.GetValueOrDefault(d.Reference) ?? OfChunks(d.Reference) })] };

        string? OfChunks(string file)
        {
            var chunks = Enumerable.Range(0, digests.Count).Select(i => digests.GetValueOrDefault(ChunkedBytes.NameOf(file, i))).TakeWhile(d => d is not null).ToList();
            return chunks.Count == 0 ? null : string.Join(',', chunks);
        }
    }

    /// <summary>Reads a file and compares its digest.</summary>
    /// <param name="path">The file, or the member of an archive.</param>
    /// <param name="digest">What the manifest says.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">The file is not what the manifest says.</exception>
    public static void Verify(string path, string digest, CancellationToken cancellation)
    {
        if (digest.Contains(',', StringComparison.Ordinal))
        {
            foreach (var (chunk, number) in digest.Split(',').Select((d, i) => (d, i)))
                Verify(ChunkedBytes.NameOf(path, number), chunk, cancellation);
            return;
        }

        var colon = digest.IndexOf(':', StringComparison.Ordinal);
        var algorithm = digest[..colon].Replace("-", "", StringComparison.Ordinal).ToUpperInvariant() switch
        {
            "SHA1" => HashAlgorithmName.SHA1,
            "SHA256" => HashAlgorithmName.SHA256,
            "SHA384" => HashAlgorithmName.SHA384,
            "SHA512" => HashAlgorithmName.SHA512,
            _ => default,
        };
        if (algorithm.Name is null)
            return;   // an algorithm that is not known proves nothing either way
        using var file = DiskFile.Open(path);
        using var hash = IncrementalHash.CreateHash(algorithm);
        var buffer = new byte[1 << 20];
        for (long at = 0; at < file.Length; at += buffer.Length)
        {
            cancellation.ThrowIfCancellationRequested();
            var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, file.Length - at));
            file.Read(at, part);
            hash.AppendData(part);
        }

        var found = Convert.ToHexString(hash.GetHashAndReset());
        if (!found.Equals(digest[(colon + 1)..], StringComparison.OrdinalIgnoreCase))
        {
            throw new IaaSException(ErrorKind.InvalidData, "ManifestMismatch",
                $"{path}: its {digest[..colon]} is {found}, and the manifest says {digest[(colon + 1)..]}: the file was changed or damaged on the way.",
                "Export or download the machine again. If it was changed on purpose, remove the manifest (.mf).", path);
        }
    }

    [GeneratedRegex(@"^\s*(?<name>SHA-?\d+)\s*\(\s*(?<file>[^)\r\n]+?)\s*\)\s*=\s*(?<digest>[0-9A-Fa-f]+)\s*$", RegexOptions.Multiline | RegexOptions.IgnoreCase | RegexOptions.CultureInvariant)]
    private static partial Regex Line();
}
