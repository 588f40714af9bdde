using System.Diagnostics;
using System.Globalization;

namespace AzureIaaS.TestRunner;

/// <summary>Runs every suite there is, adds the counts up, and ends with the line that says how it went.</summary>
internal static class Program
{
    // These mostly wait, for operations, for services, for shells that start; they do so beside the others, which compute.
    private static readonly string[] Waiting = ["tests/AzureIaaS.Azure.Tests", PesterSuite];
    private static readonly string[] Computing = ["tests/AzureIaaS.Core.Tests", "tests/AzureIaaS.Local.Tests"];

    private const string PesterSuite = "tests/Pester";

    private static async Task<int> Main(string[] arguments)
    {
        var root = FindRoot();
        var results = Directory.CreateTempSubdirectory("azureiaas-tests-").FullName;
        try
        {
            if (arguments.Contains("--soak"))
                Environment.SetEnvironmentVariable("AZUREIAAS_SOAK", arguments.SkipWhile(a => a != "--soak").Skip(1).FirstOrDefault() ?? "20");
            using var said = new StringWriter(CultureInfo.InvariantCulture);
            var waiting = Task.Run(() => RunAll(Waiting, root, results, TextWriter.Synchronized(said)));
            var counts = RunAll(Computing, root, results, Console.Out);
            Console.WriteLine($"==> {string.Join(", ", Waiting)}, meanwhile");
            counts += await waiting;
            Console.Write(said);
            Console.WriteLine(counts);
            return counts.Failed == 0 && counts.Passed > 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(results, recursive: true);
        }
    }

    private static Counts RunAll(string[] suites, string root, string results, TextWriter output) =>
        suites.Select(s => Run(s, output, () => s == PesterSuite ? Pester.Run(root, results, output) : DotnetTest.Run(root, s, results, output))).Aggregate(new Counts(), (sum, c) => sum + c);

    private static Counts Run(string name, TextWriter output, Func<Counts> suite)
    {
        output.WriteLine($"==> {name}");
        var time = Stopwatch.StartNew();
        var counts = suite();
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"    {counts} in {time.Elapsed.TotalSeconds:0} s"));
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
