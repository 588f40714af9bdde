using System.Globalization;
using System.Security.Cryptography;
using AzureIaaS.Disks;
using AzureIaaS.Providers;

namespace AzureIaaS.Imports;

/// <summary>Looks at all of an image: what its content's digests are, and everything that is wrong with it.</summary>
public static class ImageVerification
{
    /// <summary>So many faults are said; an image with more is beyond counting.</summary>
    public const int MostFaults = 1000;

    private const int Window = 64 << 20;
    private const int FinestPiece = 64 << 10;

    /// <summary>Computes the digest that an import notes (<see cref="DiskDigest"/>).</summary>
    /// <param name="image">The image.</param>
    /// <param name="notices">Receives progress.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<string> DigestAsync(DiskImage image, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var progress = new CopyProgress(notices, $"Reading {Path.GetFileName(image.Path)}", image.Length);
        var result = await DiskCopy.RunAsync(image, Nowhere.Instance, new DiskCopyOptions(), progress, cancellation);
        return result.Digest!;
    }

    /// <summary>Computes the plain SHA-256 of the raw content, as <c>sha256sum</c> gives it of a raw image.</summary>
    /// <param name="image">The image.</param>
    /// <param name="notices">Receives progress.</param>
    /// <param name="cancellation">Stops it.</param>
    public static string Checksum(DiskImage image, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var progress = new CopyProgress(notices, $"Hashing {Path.GetFileName(image.Path)}", image.Length);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var (buffer, zeros) = (new byte[Math.Max(image.PreferredRead, 1 << 20)], new byte[1 << 20]);
        foreach (var extent in image.GetExtents())
        {
            var piece = extent.Kind == DiskExtentKind.Data ? buffer : zeros;
            for (var at = extent.Start; at < extent.End; at += piece.Length)
            {
                cancellation.ThrowIfCancellationRequested();
                var part = piece.AsSpan(0, (int)Math.Min(piece.Length, extent.End - at));
                if (extent.Kind == DiskExtentKind.Data)
                    image.Read(at, part);
                hash.AppendData(part);
                progress.Report(at);
            }
        }

        return "sha256:" + Convert.ToHexString(hash.GetHashAndReset()).ToLower(CultureInfo.InvariantCulture);
    }

    /// <summary>Says everything that is wrong with an image, each as a sentence; nothing for one that is whole.</summary>
    /// <param name="path">The file.</param>
    /// <param name="options">How it may be opened.</param>
    /// <param name="notices">Receives progress.</param>
    /// <param name="cancellation">Stops it.</param>
    public static IReadOnlyList<string> Check(string path, DiskOpenOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var faults = new List<string>();
        try
        {
            using var image = DiskFormat.OpenImage(path, options with { SkipTables = true });
            faults.AddRange(Layers(image).SelectMany(l => l.FindTableFaults(cancellation)).Distinct().Take(MostFaults));
            if (faults.Count < MostFaults)
                ReadAll(image, faults, new CopyProgress(notices, $"Checking {Path.GetFileName(path)}", image.Length), cancellation);
        }
        catch (DiskImageException e)
        {
            faults.Add(e.Message);   // what cannot be opened cannot be looked into
        }

        if (faults.Count >= MostFaults)
            faults.Add($"There are more; the first {MostFaults} are said.");
        return faults;
    }

    private static IEnumerable<DiskImage> Layers(DiskImage image)
    {
        for (var layer = image; layer is not null; layer = layer.Parent)
            yield return layer;
    }

    private static void ReadAll(DiskImage image, List<string> faults, CopyProgress progress, CancellationToken cancellation)
    {
        var buffer = new byte[Math.Max(image.PreferredRead, FinestPiece)];
        for (long at = 0; at < image.Length && faults.Count < MostFaults; at += Window)
        {
            cancellation.ThrowIfCancellationRequested();
            progress.Report(at);
            var length = Math.Min(Window, image.Length - at);
            if (FaultOf(() => ReadExtents(image, at, length, buffer, cancellation)) is null)
                continue;

            // Where the window has a fault, each piece of it is read for itself: the others may be whole, and there may be more faults.
            for (var piece = at; piece < at + length && faults.Count < MostFaults; piece += FinestPiece)
            {
                if (FaultOf(() => ReadExtents(image, piece, Math.Min(FinestPiece, image.Length - piece), buffer, cancellation)) is { } fault && !faults.Contains(fault))
                    faults.Add(fault);
            }
        }
    }

    private static void ReadExtents(DiskImage image, long offset, long length, byte[] buffer, CancellationToken cancellation)
    {
        foreach (var extent in image.GetExtents(offset, length))
        {
            for (var at = extent.Start; extent.Kind == DiskExtentKind.Data && at < extent.End; at += buffer.Length)
            {
                cancellation.ThrowIfCancellationRequested();
                image.Read(at, buffer.AsSpan(0, (int)Math.Min(buffer.Length, extent.End - at)));
            }
        }
    }

    private static string? FaultOf(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (DiskImageException e)
        {
            return e.Message;
        }
    }

    /// <summary>A target for a copy of which only the digest is wanted.</summary>
    private sealed class Nowhere : IDiskTarget
    {
        public static Nowhere Instance { get; } = new();

        public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellation) => throw new NotSupportedException("Nothing is kept.");

        public ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
