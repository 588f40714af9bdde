using System.Globalization;

namespace AzureIaaS.Benchmarks;

/// <summary>What the command line asks for.</summary>
/// <param name="Benchmarks">Which benchmarks.</param>
/// <param name="Workshop">With what.</param>
/// <param name="Write">Whether docs/performance.md is written.</param>
internal sealed record BenchArguments(IReadOnlyList<Benchmark> Benchmarks, Workshop Workshop, bool Write)
{
    private const int UsualRounds = 3;
    private const string Quick = "--quick";
    private const string Rounds = "--rounds";
    private const string Folder = "--folder";

    /// <summary>How the program is used.</summary>
    public static string Usage { get; } =
        $"""
        ./build.sh bench [NAME...] [{Quick}] [{Rounds} N] [{Folder} F]

        Measures the product beside its peers and prints one table.
          {Quick}       small images and few rounds: shows that everything runs; the numbers say little
          {Rounds} N    how many measurements of each thing count (default {UsualRounds})
          {Folder} F    where images and fabrics go, 20 GiB (default tests/Benchmarks/bin/work); images are kept for the next run

        Without names all of them run, in about ten minutes (and some more the first time, when the images are made), and docs/performance.md is written anew:
        {string.Join('\n', Benchmark.Known.Select(b => $"  {b.Name,-8} {b.Description}"))}
        """;

    /// <summary>Understands the command line.</summary>
    /// <param name="arguments">The arguments.</param>
    /// <returns>What it asks for; null when it cannot be understood, or asks for help.</returns>
    public static BenchArguments? Parse(string[] arguments)
    {
        var (names, quick, rounds, folder) = (new List<string>(), false, (int?)null, (string?)null);
        for (var i = 0; i < arguments.Length; i++)
        {
            switch (arguments[i])
            {
                case Quick: quick = true; break;
                case Rounds when i + 1 < arguments.Length && int.TryParse(arguments[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > 0: (rounds, i) = (n, i + 1); break;
                case Folder when i + 1 < arguments.Length: folder = arguments[++i]; break;
                case var name when Benchmark.Known.Any(b => b.Name == name): names.Add(name); break;
                default: return null;
            }
        }

        var chosen = Benchmark.Known.Where(b => names.Count == 0 || names.Contains(b.Name)).ToList();
        var workshop = new Workshop(Path.GetFullPath(folder ?? Path.Combine(Workshop.Root, "tests", "Benchmarks", "bin", "work")), rounds ?? (quick ? 1 : UsualRounds), quick);
        return new BenchArguments(chosen, workshop, Write: names.Count == 0 && !quick);
    }
}
