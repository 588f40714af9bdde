using System.Diagnostics;
using System.Globalization;
using System.Xml.Linq;

namespace AzureIaaS.TestRunner;

/// <summary>Runs one xunit project and reads its results.</summary>
internal static class DotnetTest
{
    private static readonly TimeSpan Limit = TimeSpan.FromHours(12);

    public static Counts Run(string root, string project, string results, TextWriter output)
    {
        var name = Path.GetFileName(project) + ".trx";
        var exitCode = Shell.Run(root, Limit, output, "dotnet", "test", project, "-c", "Release", "--no-build", "--nologo", "-v", "quiet",
            "--logger", $"trx;LogFileName={name}", "--results-directory", results);
        var file = Path.Combine(results, name);
        if (!File.Exists(file))
            return Broken(project, exitCode, output, "it wrote no results");
        var document = XDocument.Load(file);
        XNamespace ns = document.Root!.Name.Namespace;
        var summary = document.Root.Element(ns + "ResultSummary")!;
        var counters = summary.Element(ns + "Counters")!;
        int Count(string attribute) => int.Parse(counters.Attribute(attribute)!.Value, CultureInfo.InvariantCulture);

        // What was skipped is only the difference; notExecuted stays 0.
        var counts = new Counts(Count("passed"), Count("failed"), Count("total") - Count("executed"));
        foreach (var skipped in document.Descendants(ns + "UnitTestResult").Where(r => r.Attribute("outcome")!.Value == "NotExecuted"))
            output.WriteLine($"    skipped {skipped.Attribute("testName")!.Value}: {skipped.Descendants(ns + "StdOut").FirstOrDefault()?.Value.Trim() ?? skipped.Descendants(ns + "Message").FirstOrDefault()?.Value.Trim()}");

        foreach (var failed in document.Descendants(ns + "UnitTestResult").Where(r => r.Attribute("outcome")!.Value == "Failed"))
        {
            output.WriteLine($"    failed {failed.Attribute("testName")!.Value}: {failed.Descendants(ns + "Message").FirstOrDefault()?.Value.Trim()}");
            output.WriteLine(failed.Descendants(ns + "StackTrace").FirstOrDefault()?.Value);
        }

        // A host that crashes writes zeros, and says so only here.
        var crashed = counts.Failed == 0 && (exitCode != 0 || summary.Attribute("outcome")!.Value == "Failed");
        return crashed ? counts + Broken(project, exitCode, output, "its host ended before its tests did") : counts;
    }

    private static Counts Broken(string project, int exitCode, TextWriter output, string why)
    {
        output.WriteLine($"    {project} did not run to its end: {why} (exit code {exitCode})");
        return new Counts(0, 1, 0);
    }
}

/// <summary>Runs programs.</summary>
internal static class Shell
{
    /// <summary>Runs a program to its end.</summary>
    /// <param name="folder">Its folder.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="output">Receives what it writes; the console's own is handed on to it.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <returns>Its exit code; -1 when it took too long and was ended.</returns>
    public static int Run(string folder, TimeSpan limit, TextWriter output, string program, params string[] arguments)
    {
        var isOurs = output == Console.Out;
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { WorkingDirectory = folder, RedirectStandardOutput = !isOurs, RedirectStandardError = !isOurs })!;
        if (!isOurs)
        {
            process.OutputDataReceived += (_, e) => Write(e.Data);
            process.ErrorDataReceived += (_, e) => Write(e.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        if (process.WaitForExit(limit))
        {
            process.WaitForExit();   // until all that it wrote has come
            return process.ExitCode;
        }

        process.Kill(entireProcessTree: true);
        return -1;

        void Write(string? line)
        {
            if (line is not null)
                output.WriteLine(line);
        }
    }
}
