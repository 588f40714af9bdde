using System.Globalization;
using System.Runtime.InteropServices;
using AzureIaaS.Benchmarks.Measuring;
using AzureIaaS.Benchmarks.Shells;

namespace AzureIaaS.Benchmarks;

/// <summary>The machine that was measured on, as far as it matters for the numbers.</summary>
internal static class HostFacts
{
    /// <summary>The facts, each with its name.</summary>
    /// <param name="folder">The folder that images were written to.</param>
    public static async Task<IReadOnlyList<(string Name, string Value)>> ListAsync(string folder) =>
    [
        ("Processor", $"{Environment.ProcessorCount} × {ValueOf("/proc/cpuinfo", "model name")}{(HasShaInstructions() ? ", with SHA instructions" : "")}"),
        ("Memory", ByteSize.Format(long.Parse(ValueOf("/proc/meminfo", "MemTotal").Split(' ')[0], CultureInfo.InvariantCulture) << 10)),
        ("Kernel", (await File.ReadAllTextAsync("/proc/sys/kernel/osrelease")).Trim()),
        ("File system", new DriveInfo(folder).DriveFormat),
        ("QEMU", (await FirstLineAsync("qemu-img", "--version")).Replace("qemu-img version ", "", StringComparison.Ordinal)),
        ("cp", await FirstLineAsync("cp", "--version")),
        (".NET", RuntimeInformation.FrameworkDescription),
        ("PowerShell", WarmShell.Exists ? await FirstLineAsync("pwsh", "--version") : "none"),
    ];

    private static string ValueOf(string file, string name) =>
        File.ReadLines(file).First(l => l.StartsWith(name, StringComparison.Ordinal)).Split(':', 2)[1].Trim();

    private static bool HasShaInstructions() => ValueOf("/proc/cpuinfo", "flags").Split(' ').Contains("sha_ni");

    private static async Task<string> FirstLineAsync(params string[] line) => (await WholeProcess.RunAsync(line)).Output.Split('\n')[0].Trim();
}
