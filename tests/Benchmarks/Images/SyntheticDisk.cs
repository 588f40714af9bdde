using System.Runtime.InteropServices;

namespace AzureIaaS.Benchmarks.Images;

/// <summary>
/// A raw disk whose content is invented, and the same everywhere: runs of a few KiB to a few MiB, a third of them noise, a third text, a third
/// tables. Either as file systems lay data out, dense in some regions and next to nothing in the others, or thin over the whole disk, which is
/// the hardest for a digest: nearly every block has a little data in it, and is hashed whole.
/// </summary>
internal static class SyntheticDisk
{
    private const int Page = 4 << 10;
    private const int MostPages = 1024;
    private const int Region = 64 << 20;

    /// <summary>Makes the disk, sparse.</summary>
    /// <param name="path">The file.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="data">About how many bytes of it hold data.</param>
    /// <param name="isThin">Whether they lie thin over the whole disk.</param>
    public static void Create(string path, long length, long data, bool isThin)
    {
        using var file = File.OpenHandle(path, FileMode.CreateNew, FileAccess.Write);
        RandomAccess.SetLength(file, length);
        var random = new Random(1);
        var share = (double)data / length;
        if (isThin)
        {
            FillRegion(file, 0, length, share, random);
            return;
        }

        const double Dense = 0.9;
        double due = 0;
        for (long at = 0; at < length; at += Region)
        {
            due += share;
            if (due >= Dense)
                FillRegion(file, at, Math.Min(Region, length - at), Dense, random);
            else if (random.Next(4) == 0)
                FillRegion(file, at, Page * 16, 1, random);   // a file system's own table
            due -= due >= Dense ? Dense : 0;
        }
    }

    private static void FillRegion(Microsoft.Win32.SafeHandles.SafeFileHandle file, long start, long length, double share, Random random)
    {
        var buffer = new byte[MostPages * Page];
        var holes = (1 - share) / share;
        for (var at = start; at < start + length;)
        {
            // There are more small runs than large ones, and most bytes are in the large ones.
            var pages = (int)Math.Pow(MostPages, random.NextDouble());
            var run = buffer.AsSpan(0, (int)Math.Min((long)pages * Page, start + length - at));
            Fill(run, random);
            RandomAccess.Write(file, run, at);
            at += run.Length + ((long)(run.Length * holes * 2 * random.NextDouble()) / Page * Page);
        }
    }

    private static void Fill(Span<byte> run, Random random)
    {
        switch (random.Next(3))
        {
            case 0:
                random.NextBytes(run);
                break;
            case 1:
                FillWithText(run, random);
                break;
            default:
                FillWithRecords(MemoryMarshal.Cast<byte, int>(run), random);
                break;
        }
    }

    private static void FillWithText(Span<byte> run, Random random)
    {
        Span<byte> words = stackalloc byte[2048];
        random.NextBytes(words);
        foreach (ref var letter in words)
            letter = letter < 40 ? (byte)' ' : (byte)('a' + (letter % 26));
        while (!run.IsEmpty)
        {
            var length = Math.Min(run.Length, random.Next(3, 24));
            words.Slice(random.Next(words.Length - length), length).CopyTo(run);
            run = run[length..];
        }
    }

    private static void FillWithRecords(Span<int> run, Random random)
    {
        var value = random.Next();
        for (var i = 0; i < run.Length; i++)
            run[i] = (i % 4) switch { 0 => i, 1 => value, 2 => 0, _ => random.Next(1 << 12) };
    }
}
