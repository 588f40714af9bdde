using AzureIaaS.Disks;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks;

/// <summary>One image, several threads.</summary>
public class ThreadTests
{
    public static TheoryData<string> Names() => TruncationTests.Names();

    [Theory]
    [MemberData(nameof(Names))]
    public async Task ThreadsDoNotDisturbEachOther(string name)
    {
        var specimen = Specimen.All.Single(s => s.Name == name);
        using var folder = new TestFolder();
        using var image = DiskFormat.OpenImage(specimen.Put(folder).Open);
        using var start = new Barrier(4);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(seed =>
            Task.Factory.StartNew(() => ReadHereAndThere(image, specimen.Content, seed, start), TaskCreationOptions.LongRunning)));
    }

    private static void ReadHereAndThere(DiskImage image, byte[] content, int seed, Barrier start)
    {
        var random = new Random(seed);
        var buffer = new byte[40_000];
        start.SignalAndWait();
        for (var i = 0; i < 300; i++)
        {
            var at = random.Next(content.Length);
            var part = buffer.AsSpan(0, Math.Min(1 + random.Next(buffer.Length), content.Length - at));
            image.Read(at, part);
            Assert.True(part.SequenceEqual(content.AsSpan(at, part.Length)), $"{part.Length} bytes at {at} differ");
            if (i % 50 == 0)
                DiskAssert.AssertCovers(image.GetExtents().ToList(), 0, image.Length);
        }
    }
}
