using System.Diagnostics;

namespace AzureIaaS.Tests.Support;

/// <summary>Other people's programs that make what is read here, and say what is in it.</summary>
internal static class Programs
{
    private static readonly string[] Folders = ["/usr/bin", "/usr/sbin", "/bin", "/sbin"];

    /// <summary>Skips the test where one of these is not installed.</summary>
    public static void Require(params string[] programs)
    {
        foreach (var program in programs)
            Skip.If(Find(program) is null, $"{program} is not installed");
    }

    /// <summary>Skips the test where file systems cannot be mounted.</summary>
    public static void RequireMount(string type)
    {
        Skip.IfNot(OperatingSystem.IsLinux() && Environment.IsPrivilegedProcess, "only root mounts file systems");
        Skip.IfNot(Directory.Exists("/sys/block/loop0"), "there are no loop devices");
        Skip.IfNot(File.ReadAllText("/proc/filesystems").Contains(type, StringComparison.Ordinal), $"the kernel does not know {type}");
    }

    /// <summary>Runs a program and gives what it wrote; its failure fails the test.</summary>
    public static string Run(string program, params string[] arguments) => Encoded(System.Text.Encoding.UTF8, program, "", arguments);

    /// <summary>Runs a program with an input, and gives what it wrote.</summary>
    public static string RunWith(string input, string program, params string[] arguments) => Encoded(System.Text.Encoding.UTF8, program, input, arguments);

    /// <summary>Runs a program and gives the bytes that it wrote.</summary>
    public static byte[] Bytes(string program, params string[] arguments) =>
        System.Text.Encoding.Latin1.GetBytes(Encoded(System.Text.Encoding.Latin1, program, "", arguments));

    /// <summary>Mounts a file system, lets it be written to, and unmounts it.</summary>
    public static void Mounted(TestFolder folder, string image, string type, string options, Action<string> write)
    {
        var place = folder[$"mount-{Guid.NewGuid():N}"];
        Directory.CreateDirectory(place);
        Run("mount", "-t", type, "-o", "loop," + options, image, place);
        try
        {
            write(place);
        }
        finally
        {
            Run("umount", place);
        }
    }

    private static string? Find(string program) => Folders.Select(f => Path.Combine(f, program)).FirstOrDefault(File.Exists);

    private static string Encoded(System.Text.Encoding encoding, string program, string input, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(Find(program) ?? program, arguments)
        {
            RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = encoding,
        })!;
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error.Result}{output}");
    }
}
