using AzureIaaS.Disks;
using AzureIaaS.Local.Imports;

namespace AzureIaaS.Benchmarks;

/// <summary>A copy as a process of its own, so that it can be compared with cp and qemu-img: just the product's copy into the product's file.</summary>
internal static class CopyVerb
{
    /// <summary>The word that chooses it.</summary>
    public const string Name = "do-copy";

    /// <summary>The word for a copy without a digest.</summary>
    public const string SkipDigest = "--skip-digest";

    /// <summary>The command line of a copy.</summary>
    public static IReadOnlyList<string> Line(string source, string target, bool digest) =>
        [.. Workshop.Myself, Name, source, target, .. digest ? [] : new[] { SkipDigest }];

    /// <summary>Copies; prints the digest.</summary>
    /// <param name="arguments">What follows the verb: source, target, and perhaps <see cref="SkipDigest"/>.</param>
    public static async Task RunAsync(string[] arguments)
    {
        using var image = DiskFormat.OpenImage(arguments[0], new DiskOpenOptions());
        await using var target = SparseFileTarget.Open(arguments[1], image.Length, resume: false);
        var options = new DiskCopyOptions { Digest = !arguments.Contains(SkipDigest) };
        var result = await DiskCopy.RunAsync(image, target, options, null, CancellationToken.None);
        Console.WriteLine(result.Digest);
    }
}
