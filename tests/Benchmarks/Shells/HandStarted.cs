using System.Diagnostics;
using System.Net.Sockets;

namespace AzureIaaS.Benchmarks.Shells;

/// <summary>QEMU as somebody would start it by hand: the command line, a greeting, and <c>cont</c>. Disposing it ends the guest.</summary>
internal sealed class HandStarted : IDisposable
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(1);

    private readonly Process _process;

    private HandStarted(Process process) => _process = process;

    /// <summary>Starts it, and lets the guest begin.</summary>
    /// <param name="line">The command line, as a shell reads it.</param>
    /// <param name="monitor">The path of its monitor's socket.</param>
    public static async Task<HandStarted> StartAsync(string line, string monitor)
    {
        var process = Process.Start(new ProcessStartInfo("sh", ["-c", "exec " + line]))!;
        using var socket = await ConnectAsync(process, monitor);
        using var stream = new NetworkStream(socket);
        using var reader = new StreamReader(stream);
        await reader.ReadLineAsync();   // the greeting
        foreach (var command in new[] { "qmp_capabilities", "cont" })
        {
            await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes($$"""{"execute":"{{command}}"}""" + "\n"));
            await reader.ReadLineAsync();
        }

        return new HandStarted(process);
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }

    private static async Task<Socket> ConnectAsync(Process process, string monitor)
    {
        while (!process.HasExited)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                if (File.Exists(monitor))
                {
                    await socket.ConnectAsync(new UnixDomainSocketEndPoint(monitor));
                    return socket;
                }
            }
            catch (SocketException)
            {
                // It is there, and nobody listens yet.
            }

            socket.Dispose();
            await Task.Delay(LookEvery);
        }

        throw new InvalidOperationException($"QEMU ended with {process.ExitCode}.");
    }
}
