using AzureIaaS.Benchmarks.Images;

namespace AzureIaaS.Benchmarks;

/// <summary>What benchmarks work with: the product as it was built, a folder, and how much is to be done.</summary>
/// <param name="Folder">The folder for images and fabrics.</param>
/// <param name="Rounds">How many measurements of each thing count.</param>
/// <param name="IsQuick">Whether small images will do: a smoke run, whose numbers say little.</param>
internal sealed record Workshop(string Folder, int Rounds, bool IsQuick)
{
    private const string Solution = "AzureIaaS.slnx";

    /// <summary>The clone's folder.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The command line.</summary>
    public static string Iaas { get; } = Path.Combine(Root, "bin", "cli", "iaas");

    /// <summary>The PowerShell module.</summary>
    public static string Module { get; } = Path.Combine(Root, "AzureIaaS.psd1");

    /// <summary>This very program, for what it measures of itself in a process of its own.</summary>
    public static IReadOnlyList<string> Myself { get; } = Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet"
        ? [Environment.ProcessPath!, typeof(Workshop).Assembly.Location]
        : [Environment.ProcessPath!];

    /// <summary>The disks to copy.</summary>
    public Corpus Corpus => new(Path.Combine(Folder, "images"), IsQuick);

    /// <summary>A folder for one benchmark, empty.</summary>
    /// <param name="name">Its name.</param>
    public string EmptyFolder(string name)
    {
        var folder = Path.Combine(Folder, name);
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        Directory.CreateDirectory(folder);
        return folder;
    }

    /// <summary>Says what is being done; the table alone goes to standard output.</summary>
    /// <param name="text">The words.</param>
    public static void Say(string text) => Console.Error.WriteLine($"bench: {text}");

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, Solution)))
                return folder.FullName;
        }

        throw new InvalidOperationException($"There is no {Solution} above {AppContext.BaseDirectory}: benchmarks run from the clone.");
    }
}
