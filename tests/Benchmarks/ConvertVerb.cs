using AzureIaaS.Disks;

namespace AzureIaaS.Benchmarks;

/// <summary>A conversion as a process of its own.</summary>
internal static class ConvertVerb
{
    /// <summary>The word that chooses it.</summary>
    public const string Name = "do-convert";

    /// <summary>The command line of a conversion.</summary>
    public static IReadOnlyList<string> Line(string source, string target, string format) => [.. Workshop.Myself, Name, source, target, format];

    /// <summary>Converts.</summary>
    /// <param name="arguments">What follows the verb: source, target and format.</param>
    public static async Task RunAsync(string[] arguments)
    {
        using var image = DiskFormat.OpenImage(arguments[0], new DiskOpenOptions());
        await DiskConversion.RunAsync(image, new DiskConversionRequest { Path = arguments[1], Format = WriteFormat.Named(arguments[2]) }, null, CancellationToken.None);
    }
}
