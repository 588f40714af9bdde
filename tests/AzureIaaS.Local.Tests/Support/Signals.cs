using System.Diagnostics;

namespace AzureIaaS.Local.Tests.Support;

/// <summary>Signals to processes.</summary>
internal static class Signals
{
    public static async Task SendAsync(string signal, int process)
    {
        using var kill = Process.Start("/bin/kill", [$"-{signal}", $"{process}"]);
        await kill.WaitForExitAsync();
        await Task.Delay(100);   // until the kernel shows it
    }
}
