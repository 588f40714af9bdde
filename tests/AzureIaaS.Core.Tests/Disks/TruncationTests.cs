using AzureIaaS.Disks;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks;

/// <summary>A file that ends too early is refused, at whatever byte it ends.</summary>
public class TruncationTests
{
    public static TheoryData<string> Names() => [.. Specimen.All.Select(s => s.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void TheWholeSpecimenIsRead(string name)
    {
        var specimen = Specimen.All.Single(s => s.Name == name);
        using var folder = new TestFolder();
        using var image = DiskFormat.OpenImage(specimen.Put(folder).Open);
        DiskAssert.Holds(specimen.Content, image);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void EveryPrefixIsRefused(string name)
    {
        var specimen = Specimen.All.Single(s => s.Name == name);
        using var folder = new TestFolder();
        var (damaged, path) = specimen.Put(folder);
        using var file = File.OpenHandle(damaged, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        foreach (var length in Prefixes(specimen).Order().Reverse())
        {
            RandomAccess.SetLength(file, length);
            try
            {
                using var image = DiskFormat.OpenImage(path);
                if (length < specimen.Bytes.Length - specimen.Spare)
                {
                    DiskAssert.ReadAll(image);
                    Assert.Fail($"{length} of {specimen.Bytes.Length} bytes were accepted");
                }

                DiskAssert.Holds(specimen.Content, image);
            }
            catch (DiskImageException)
            {
                // What must happen.
            }
        }
    }

    /// <summary>Every length within headers and tables, and a sample of the others.</summary>
    private static HashSet<int> Prefixes(Specimen specimen)
    {
        var random = new Random(1);
        var all = new HashSet<int>(Enumerable.Range(0, Math.Min(1200, specimen.Bytes.Length)));
        foreach (var (at, length) in specimen.Metadata)
            all.UnionWith(Enumerable.Range(at, Math.Min(length, 600)));
        all.UnionWith(Enumerable.Range(specimen.Bytes.Length - Math.Min(1200, specimen.Bytes.Length), Math.Min(1200, specimen.Bytes.Length)));
        for (var i = 0; i < 300; i++)
            all.Add(random.Next(specimen.Bytes.Length));
        for (var at = 512; at < Math.Min(specimen.Bytes.Length, 300 << 10); at += 4096)
            all.UnionWith([at - 1, at, at + 1]);
        all.RemoveWhere(n => n >= specimen.Bytes.Length);
        return all;
    }
}
