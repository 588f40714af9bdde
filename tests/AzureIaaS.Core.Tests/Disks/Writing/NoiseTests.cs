using System.IO.Compression;
using AzureIaaS.Disks.Writing;

namespace AzureIaaS.Tests.Disks.Writing;

/// <summary>Bytes that are not worth compressing are told from those that are; what is told wrongly would make images larger.</summary>
public class NoiseTests
{
    private const int Unit = 64 << 10;

    [Theory]
    [InlineData(Unit)]
    [InlineData(Unit / 4)]
    [InlineData(4 * Unit)]
    public void WhatDeflateCannotMakeSmallerIsNoise(int length)
    {
        for (var seed = 0; seed < 20; seed++)
        {
            var bytes = Random(length, seed);
            Assert.True(Noise.Is(bytes));
            Assert.True(Packed(bytes) > length * 0.99);
        }
    }

    [Fact]
    public void WhatCompressionMadeIsNoise() => Assert.True(Noise.Is(Deflated(Text(1 << 20)).AsSpan(0, Unit)));

    [Fact]
    public void WhatHasPatternsIsNot()
    {
        var table = Random(Unit, 1);
        for (var i = 0; i < Unit; i += 16)
            table.AsSpan(i, 4).Clear();
        byte[] everyValue = [.. Enumerable.Range(0, Unit).Select(i => (byte)i)];
        var base64 = Random(Unit, 2);
        foreach (ref var b in base64.AsSpan())
            b &= 0x3F;

        // As even as noise, and the same over and over.
        byte[] again = [.. Random(20_001, 3), .. Random(20_001, 3), .. Random(20_001, 3)];

        // Random but for records that come again and again, a tenth of all.
        var record = Random(160, 4);
        var records = Random(Unit, 5);
        for (var i = 100; i < Unit - record.Length; i += 1600)
            record.CopyTo(records.AsSpan(i));
        foreach (var bytes in (byte[][])[Text(Unit), table, everyValue, base64, again, records])
        {
            Assert.True(Packed(bytes) < bytes.Length * 0.98);
            Assert.False(Noise.Is(bytes));
        }
    }

    [Fact]
    public void OfTooFewBytesNothingIsSaid() => Assert.False(Noise.Is(Random(1000, 1)));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void WhatIsStoredIsReadLikeWhatIsPacked(bool zlib)
    {
        byte[] block = [.. Random(Unit, 1), .. new byte[Unit], .. Text(Unit), .. Random(Unit / 2, 2)];
        using var packed = new PackedUnits();
        packed.Deflate(block, Unit, zlib, 4);
        Assert.Equal((4, 0), (packed.Count, packed[1].Length));
        Assert.True(packed[2].Length < Unit / 2);
        for (var i = 0; i < packed.Count; i++)
        {
            using var stream = new MemoryStream(packed[i].ToArray());
            using Stream inflating = zlib ? new ZLibStream(stream, CompressionMode.Decompress) : new DeflateStream(stream, CompressionMode.Decompress);
            using var unit = new MemoryStream();
            inflating.CopyTo(unit);
            byte[] expected = i == 1 ? [] : [.. block.Skip(i * Unit).Take(Unit), .. new byte[i == 3 ? Unit / 2 : 0]];
            Assert.Equal(expected, unit.ToArray());
        }
    }

    private static byte[] Random(int length, int seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    private static byte[] Text(int length)
    {
        var random = new Random(9);
        string[] words = ["disk", "machine", "of", "the", "network", "a", "host", "and", "image", "is"];
        var text = new System.Text.StringBuilder();
        while (text.Length < length)
            text.Append(words[random.Next(words.Length)]).Append(' ').Append(random.Next(1000)).Append(' ');
        return System.Text.Encoding.ASCII.GetBytes(text.ToString(0, length));
    }

    private static int Packed(byte[] bytes) => Deflated(bytes).Length;

    private static byte[] Deflated(byte[] bytes)
    {
        using var stream = new MemoryStream();
        using (var deflate = new DeflateStream(stream, CompressionLevel.Optimal))
            deflate.Write(bytes);
        return stream.ToArray();
    }
}
