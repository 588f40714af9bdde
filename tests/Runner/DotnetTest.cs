using System.Diagnostics;
using System.Globalization;
using System.Xml.Linq;

namespace AzureIaaS.TestRunner;

/// <summary>Runs one xunit project and reads its results.</summary>
internal static class DotnetTest
{
    private static readonly TimeSpan Limit = TimeSpan.FromHours(12);

    public static Counts Run(string root, string project, string results)
    {
        var name = Path.GetFileName(project) + ".trx";
        var exitCode = Shell.Run(root, Limit, "dotnet", "test", project, "-c", "Release", "--no-build", "--nologo", "-v", "quiet",
            "--logger", $"trx;LogFileName={name}", "--results-directory", results);
        var file = Path.Combine(results, name);
        if (!File.Exists(file))
            return Broken(project, exitCode, "it wrote no results");
        var document = XDocument.Load(file);
        XNamespace ns = document.Root!.Name.Namespace;
        var summary = document.Root.Element(ns + "ResultSummary")!;
        var counters = summary.Element(ns + "Counters")!;
        int Count(string attribute) => int.Parse(counters.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);

        // What was skipped is only the difference; notExecuted stays 0.
        var counts = new Counts(Count("passed"), Count("failed"), Count("total") - Count("executed"));
        foreach (var skipped in document.Descendants(ns + "UnitTestResult").Where(r => r.Attribute("outcome")!.Value == "NotExecuted"))
            Console.WriteLine($"    skipped {skipped.Attribute("testName")!.Value}: {skipped.Descendants(ns + "StdOut").FirstOrDefault()?.Value.Trim() ?? skipped.Descendants(ns + "Message").FirstOrDefault()?.Value.Trim()}");

        // A host that crashes writes zeros, and says so only here.
        var crashed = counts.Failed == 0 && (exitCode != 0 || summary.Attribute("outcome")!.Value == "Failed");
        return crashed ? counts + Broken(project, exitCode, "its host ended before its tests did") : counts;
    }

    private static Counts Broken(string project, int exitCode, string why)
    {
        Console.WriteLine($"    {project} did not run to its end: {why} (exit code {exitCode})");
        return new Counts(0, 1, 0);
    }
}

/// <summary>Runs programs whose output goes to where ours goes.</summary>
internal static class Shell
{
    public static int Run(string folder, TimeSpan limit, string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder })!;
        if (process.WaitForExit(limit))
            return process.ExitCode;
        process.Kill(entireProcessTree: true);
        return -1;
    }
}
