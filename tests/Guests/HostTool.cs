using System.ComponentModel;
using System.Diagnostics;

namespace AzureIaaS.Guests.Testing;

/// <summary>What a tool has said, and how it has ended.</summary>
internal sealed record HostToolResult(int ExitCode, string Output, string Error);

/// <summary>Runs the host's tools.</summary>
internal static class HostTool
{
    /// <summary>What a shell says of a command that it does not find.</summary>
    private const int NotFound = 127;

    public static HostToolResult Run(string tool, IEnumerable<string> arguments) =>
        RunAsync(tool, arguments, CancellationToken.None).GetAwaiter().GetResult();

    /// <summary>Runs a tool to its end. Cancelling ends it, and what it has started.</summary>
    public static async Task<HostToolResult> RunAsync(string tool, IEnumerable<string> arguments, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(tool, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        // Administrators' tools may not be on everybody's path.
        start.Environment["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin";
        start.Environment["LC_ALL"] = "C";
        using var process = Start(start);
        if (process is null)
            return new HostToolResult(NotFound, "", $"'{tool}' is not installed.");
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancellation);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return new HostToolResult(process.ExitCode, await output, await error);
    }

    private static Process? Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start);
        }
        catch (Win32Exception)
        {
            return null;
        }
    }
}
