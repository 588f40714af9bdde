using AzureIaaS.Disks;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks;

/// <summary>Damaged images, thousands of them: each is read or refused by a DiskImageException, soon, and without costing memory.</summary>
public class MutationTests
{
    private const int Mutants = 16000;
    private const long MaxAllocated = 64 << 20;
    private string _what = "";

    [Fact]
    public async Task DamageIsRefusedAndNothingElseHappens()
    {
        var (read, refused) = await Watched.RunAsync(Work);

        // If nearly everything were refused, or nothing, the damage would not be what it is meant to be.
        Assert.True(read > Mutants / 10 && refused > Mutants / 4, $"{read} were read and {refused} refused");
    }

    private (int Read, int Refused) Work(Watched watched)
    {
        var (read, refused) = (0, 0);
        using var folder = new TestFolder();
        foreach (var specimen in Specimen.All)
        {
            var (damaged, path) = specimen.Put(folder);
            using var file = File.OpenHandle(damaged, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            var bytes = specimen.Bytes.ToArray();
            for (var i = 0; i < Mutants * Mutation.Times / Specimen.All.Count; i++)
            {
                var random = new Random(i);
                watched.Next(_what = $"{specimen.Name} with seed {i}");
                var damage = Damage(bytes, specimen, random);
                foreach (var (at, length) in damage)
                    RandomAccess.Write(file, bytes.AsSpan(at, length), at);
                if (random.Next(10) == 0)
                    RandomAccess.SetLength(file, 1 + random.Next(bytes.Length));

                var before = GC.GetAllocatedBytesForCurrentThread();
                if (random.Next(8) == 0)
                    Check(path);
                if (IsRead(path, random))
                    read++;
                else
                    refused++;
                var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
                Assert.True(allocated < MaxAllocated + (8 * bytes.Length), $"{_what} cost {allocated:N0} bytes");

                specimen.Bytes.CopyTo(bytes, 0);
                if (RandomAccess.GetLength(file) < bytes.Length)
                    RandomAccess.Write(file, bytes, 0);
                foreach (var (at, length) in damage)
                    RandomAccess.Write(file, bytes.AsSpan(at, length), at);
            }
        }

        return (read, refused);
    }

    /// <summary>Opens the image and looks at it here and there; whatever but the expected failure escapes ends the test.</summary>
    private bool IsRead(string path, Random random)
    {
        try
        {
            using var image = DiskFormat.OpenImage(path);
            var buffer = new byte[100_000];
            foreach (var extent in image.GetExtents().Take(3000).Where(e => e.Kind == DiskExtentKind.Data).Take(4))
                image.Read(extent.Start, buffer.AsSpan(0, (int)Math.Min(buffer.Length, extent.Length)));
            foreach (var at in new[] { 0, image.Length / 2, image.Length - 1, random.NextInt64(image.Length), random.NextInt64(image.Length) })
                image.Read(at, buffer.AsSpan(0, (int)Math.Min(buffer.Length, image.Length - at)));
            return true;
        }
        catch (DiskImageException)
        {
            return false;
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{_what}: {e.GetType().Name} escaped", e);
        }
    }

    /// <summary>Has everything said that is wrong with the image.</summary>
    private void Check(string path)
    {
        try
        {
            using var image = DiskFormat.OpenImage(path, new DiskOpenOptions { SkipTables = true });
            _ = image.FindTableFaults(CancellationToken.None).Take(200).Count();
        }
        catch (DiskImageException)
        {
            // What cannot be opened cannot be looked into.
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"{_what}, checked: {e.GetType().Name} escaped", e);
        }
    }

    private static List<(int At, int Length)> Damage(byte[] bytes, Specimen specimen, Random random)
    {
        var damage = new List<(int At, int Length)>();
        for (var i = random.Next(4) == 0 ? 4 : 1; i > 0; i--)
        {
            var (start, length) = random.Next(8) == 0 ? (0, bytes.Length) : specimen.Metadata[random.Next(specimen.Metadata.Length)];
            var at = Math.Min(start + random.Next(length), bytes.Length - 8);
            if (random.Next(2) == 0)
                at = at / 4 * 4;
            Mutation.Change(bytes.AsSpan(at, 8), bytes.Length, random);
            damage.Add((at, 8));
        }

        if (random.Next(8) == 0)
        {
            var at = random.Next(bytes.Length);
            var length = Math.Min(random.Next(5000), bytes.Length - at);
            bytes.AsSpan(at, length).Clear();
            damage.Add((at, length));
        }

        // A checksum that is right again lets the damage reach what is behind it.
        if (random.Next(4) != 0)
        {
            specimen.Reseal(bytes);
            damage.AddRange(specimen.Sums);
        }

        return damage;
    }
}
