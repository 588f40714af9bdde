using System.Security.Cryptography;
using AzureIaaS.Disks;

namespace AzureIaaS.Tests.Support;

/// <summary>What must be true of every disk image, whatever its format.</summary>
internal static class DiskAssert
{
    /// <summary>The image holds exactly these bytes, read in any way, and its extents tell the truth about them.</summary>
    public static void Holds(byte[] expected, DiskImage image)
    {
        Assert.Equal(expected.LongLength, image.Length);
        var actual = new byte[expected.Length];
        for (var at = 0; at < actual.Length; at += image.PreferredRead)
            image.Read(at, actual.AsSpan(at, Math.Min(image.PreferredRead, actual.Length - at)));
        AssertSame(expected, actual, 0);

        var random = new Random(7);
        for (var i = 0; i < 40; i++)
        {
            var at = random.Next(expected.Length);
            var part = new byte[Math.Min(expected.Length - at, 1 + random.Next(i % 2 == 0 ? 700 : 300_000))];
            Array.Fill(part, (byte)0x5A);
            image.Read(at, part);
            AssertSame(expected.AsSpan(at, part.Length), part, at);
        }

        var whole = image.GetExtents().ToList();
        AssertCovers(whole, 0, image.Length);
        AssertZeros(expected, whole);
        for (var i = 0; i < 10; i++)
        {
            var at = random.Next(expected.Length);
            var length = 1 + random.Next(expected.Length - at);
            var part = image.GetExtents(at, length).ToList();
            AssertCovers(part, at, length);
            AssertZeros(expected, part);
        }
    }

    /// <summary>The extents cover the range exactly, in order, with neighbours of one kind merged.</summary>
    public static void AssertCovers(IReadOnlyList<DiskExtent> extents, long offset, long length)
    {
        var at = offset;
        for (var i = 0; i < extents.Count; i++)
        {
            Assert.True(extents[i].Start == at && extents[i].Length > 0, $"extent {i} is {extents[i]}, expected at {at}");
            Assert.True(i == 0 || extents[i].Kind != extents[i - 1].Kind, $"extents {i - 1} and {i} are not merged");
            at = extents[i].End;
        }

        Assert.Equal(offset + length, at);
    }

    /// <summary>The SHA-256 of the whole disk, with what the extents call empty checked against what is read there.</summary>
    public static string Sha256Of(DiskImage image)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[image.PreferredRead];
        foreach (var extent in image.GetExtents())
        {
            for (var at = extent.Start; at < extent.End; at += buffer.Length)
            {
                var part = buffer.AsSpan(0, (int)Math.Min(buffer.Length, extent.End - at));
                image.Read(at, part);
                Assert.True(extent.Kind == DiskExtentKind.Data || !part.ContainsAnyExcept((byte)0), $"{extent} does not read as zeros at {at}");
                hash.AppendData(part);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>Both disks hold the same, compared only where at least one of them has data: for disks too large to read whole.</summary>
    public static void SameData(DiskImage expected, DiskImage actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        AssertCovers(actual.GetExtents().ToList(), 0, actual.Length);
        foreach (var extent in expected.GetExtents().Concat(actual.GetExtents()).Where(e => e.Kind == DiskExtentKind.Data))
        {
            byte[] left = new byte[1 << 20], right = new byte[1 << 20];
            for (var at = extent.Start; at < extent.End; at += left.Length)
            {
                var length = (int)Math.Min(left.Length, extent.End - at);
                expected.Read(at, left.AsSpan(0, length));
                actual.Read(at, right.AsSpan(0, length));
                AssertSame(left.AsSpan(0, length), right.AsSpan(0, length), at);
            }
        }
    }

    /// <summary>The image is refused: when it is opened, or when all of it is read.</summary>
    public static DiskImageException Refuses(string path, DiskOpenOptions? options = null)
    {
        var refusal = Assert.Throws<DiskImageException>(() =>
        {
            using var image = DiskFormat.OpenImage(path, options);
            ReadAll(image);
        });
        Assert.False(string.IsNullOrWhiteSpace(refusal.Remedy));
        Assert.Contains(refusal.Path, refusal.Message, StringComparison.Ordinal);
        return refusal;
    }

    /// <summary>The image is refused with this fault when it is opened.</summary>
    public static DiskImageException Refuses(DiskImageFault fault, string path, DiskOpenOptions? options = null)
    {
        var refusal = Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage(path, options).Dispose());
        Assert.True(refusal.Fault == fault, $"expected {fault}, got {refusal.Fault}: {refusal.Message}");
        Assert.False(string.IsNullOrWhiteSpace(refusal.Remedy));
        Assert.Contains(refusal.Path, refusal.Message, StringComparison.Ordinal);
        return refusal;
    }

    /// <summary>Reads every byte that is not certainly zero.</summary>
    public static void ReadAll(DiskImage image)
    {
        var buffer = new byte[image.PreferredRead];
        foreach (var extent in image.GetExtents().Where(e => e.Kind == DiskExtentKind.Data))
        {
            for (var at = extent.Start; at < extent.End; at += buffer.Length)
                image.Read(at, buffer.AsSpan(0, (int)Math.Min(buffer.Length, extent.End - at)));
        }
    }

    private static void AssertSame(ReadOnlySpan<byte> expected, ReadOnlySpan<byte> actual, long at)
    {
        var same = expected.CommonPrefixLength(actual);
        Assert.True(same == expected.Length && same == actual.Length, $"the disk differs at byte {at + same}");
    }

    private static void AssertZeros(byte[] expected, IEnumerable<DiskExtent> extents)
    {
        foreach (var extent in extents.Where(e => e.Kind != DiskExtentKind.Data))
            Assert.False(expected.AsSpan((int)extent.Start, (int)extent.Length).ContainsAnyExcept((byte)0), $"{extent} is not all zeros");
    }
}
