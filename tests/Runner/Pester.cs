using System.Globalization;
using System.Xml.Linq;

namespace AzureIaaS.TestRunner;

/// <summary>Runs the Pester suite in a real PowerShell, where there is one.</summary>
internal static class Pester
{
    private static readonly TimeSpan Limit = TimeSpan.FromHours(2);

    public static Counts Run(string root, string results, TextWriter output)
    {
        if (Missing(root, output) is { } missing)
        {
            output.WriteLine($"    skipped: {missing}");
            return new Counts(0, 0, 1);
        }

        var file = Path.Combine(results, "pester.xml");
        var exitCode = Shell.Run(root, Limit, output, "pwsh", "-NoProfile", "-NonInteractive", "-File", Path.Combine(root, "tests", "Pester", "Invoke.ps1"), "-ResultPath", file);
        if (!File.Exists(file))
        {
            output.WriteLine($"    the Pester suite did not run to its end (exit code {exitCode})");
            return new Counts(0, 1, 0);
        }

        var totals = XDocument.Load(file).Root!;
        int Count(string attribute) => int.Parse(totals.Attribute(attribute)?.Value ?? "0", CultureInfo.InvariantCulture);
        var (failed, skipped) = (Count("failures") + Count("errors"), Count("skipped") + Count("ignored") + Count("not-run") + Count("inconclusive"));
        return new Counts(Count("total") - failed - skipped, exitCode != 0 && failed == 0 ? 1 : failed, skipped);
    }

    private static string? Missing(string root, TextWriter output)
    {
        var hasShell = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(f => File.Exists(Path.Combine(f, "pwsh")) || File.Exists(Path.Combine(f, "pwsh.exe")));
        if (!hasShell)
            return "pwsh is not on the PATH, so the module's own tests (tests/Pester) did not run";
        var exitCode = Shell.Run(root, TimeSpan.FromMinutes(2), output, "pwsh", "-NoProfile", "-NonInteractive", "-Command", "exit [int](-not (Get-Module -ListAvailable Pester | Where-Object { $_.Version.Major -ge 5 }))");
        return exitCode == 0 ? null : "Pester 5 is not installed for pwsh, so the module's own tests (tests/Pester) did not run";
    }
}
