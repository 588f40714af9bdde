using System.Diagnostics;
using System.Text.Json;

namespace AzureIaaS.Tests.Support;

/// <summary>QEMU's tools, which know every format too: what they make, we must read, and they say what is in it.</summary>
internal static class QemuTools
{
    /// <summary>Skips the test where the tools are not installed.</summary>
    public static void Require()
    {
        Skip.IfNot(IsInstalled("qemu-img"), "qemu-img is not installed");
        Skip.IfNot(IsInstalled("qemu-io"), "qemu-io is not installed");
    }

    public static bool IsInstalled(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Any(f => File.Exists(Path.Combine(f, program)) || File.Exists(Path.Combine(f, program + ".exe")));

    public static string Img(params string[] arguments) => Run("qemu-img", arguments);

    public static string Io(string path, string format, params string[] commands) =>
        Run("qemu-io", ["-f", format, .. commands.SelectMany(c => new[] { "-c", c }), path]);

    /// <summary>The size of the disk as the tools see it.</summary>
    public static long VirtualSize(string path, string format)
    {
        using var info = JsonDocument.Parse(Img("info", "-f", format, "--output=json", path));
        return info.RootElement.GetProperty("virtual-size").GetInt64();
    }

    private static string Run(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error.Result}{output}");
    }
}
