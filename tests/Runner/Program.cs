using System.Diagnostics;
using System.Globalization;

namespace AzureIaaS.TestRunner;

/// <summary>Runs every suite there is, adds the counts up, and ends with the line that says how it went.</summary>
internal static class Program
{
    private static readonly string[] Projects = ["tests/AzureIaaS.Core.Tests", "tests/AzureIaaS.Local.Tests", "tests/AzureIaaS.Azure.Tests"];

    private static int Main(string[] arguments)
    {
        var root = FindRoot();
        var results = Directory.CreateTempSubdirectory("azureiaas-tests-").FullName;
        try
        {
            if (arguments.Contains("--soak"))
                Environment.SetEnvironmentVariable("AZUREIAAS_SOAK", arguments.SkipWhile(a => a != "--soak").Skip(1).FirstOrDefault() ?? "20");
            var counts = Projects.Select(p => Run(p, results, () => DotnetTest.Run(root, p, results)))
                .Append(Run("tests/Pester", results, () => Pester.Run(root, results)))
                .Aggregate(new Counts(), (sum, c) => sum + c);
            Console.WriteLine(counts);
            return counts.Failed == 0 && counts.Passed > 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(results, recursive: true);
        }
    }

    private static Counts Run(string name, string results, Func<Counts> suite)
    {
        Console.WriteLine($"==> {name}");
        var time = Stopwatch.StartNew();
        var counts = suite();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    {counts} in {time.Elapsed.TotalSeconds:0} s"));
        return counts;
    }

    private static string FindRoot()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AzureIaaS.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The runner does not lie in the project's folder.");
        return folder;
    }
}

/// <summary>How many tests went how.</summary>
internal readonly record struct Counts(int Passed, int Failed, int Skipped)
{
    public static Counts operator +(Counts a, Counts b) => new(a.Passed + b.Passed, a.Failed + b.Failed, a.Skipped + b.Skipped);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Passed} passed, {Failed} failed, {Skipped} skipped");
}
