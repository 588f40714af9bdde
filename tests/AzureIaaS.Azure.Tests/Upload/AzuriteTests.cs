using System.Diagnostics;
using AzureIaaS.Azure.Tests.Support;

namespace AzureIaaS.Azure.Tests.Upload;

public class AzuriteTests(FaultTests.Storage storage) : IClassFixture<FaultTests.Storage>
{
    private const int MiB = 1 << 20;
    private const int Piece = 64 << 10;

    [SkippableTheory]
    [InlineData("raw", "")]
    [InlineData("vhdx", "subformat=dynamic")]
    [InlineData("vmdk", "subformat=streamOptimized")]
    [InlineData("qcow2", "")]
    [InlineData("vdi", "")]
    [InlineData("vpc", "subformat=dynamic,force_size=on")]
    public async Task Every_format_ends_as_the_same_bytes_in_a_real_storage_emulator(string format, string options)
    {
        Skip.If(storage.Blobs is null, "azurite-blob is not installed; ./build.sh test does that where there is npm.");
        using var azure = new TestAzure(storage.Blobs, real: true);
        var raw = azure.Image("source.img", 48 * MiB, (0, 64), (3000, 9000), (40 << 10, 100));
        var path = format == "raw" ? raw : Convert(raw, Path.Combine(azure.Folder, "web." + format), format, options);

        var machine = await azure.ImportAsync(path, r => r with { Name = format });

        var content = await storage.Blobs!.ReadAsync($"farm-{format}-disk0", 0, (48 * MiB) + 512);
        Assert.Equal(File.ReadAllBytes(raw), content[..(48 * MiB)]);
        Assert.Equal("conectix"u8.ToArray(), content[^512..^504]);
        Assert.NotNull(machine.Disks[0].Digest);
        var pages = (await storage.Blobs.ListAsync($"farm-{format}-disk0")).SelectMany(r => Pieces(r.Start, r.End)).Distinct();
        Assert.Equal(Pieces(0, content.Length).Where(p => content.AsSpan((int)p, (int)Math.Min(Piece, content.Length - p)).ContainsAnyExcept((byte)0)), pages);
    }

    private static IEnumerable<long> Pieces(long start, long end)
    {
        for (var at = start / Piece * Piece; at < end; at += Piece)
            yield return at;
    }

    private static string Convert(string source, string target, string format, string options)
    {
        var arguments = new List<string> { "convert", "-O", format };
        if (options.Length > 0)
            arguments.AddRange(["-o", options]);
        try
        {
            using var tool = Process.Start("qemu-img", [.. arguments, source, target]);
            tool.WaitForExit();
            Assert.Equal(0, tool.ExitCode);
        }
        catch (System.ComponentModel.Win32Exception)
        {
            Skip.If(true, "qemu-img is not installed.");
        }

        return target;
    }
}
