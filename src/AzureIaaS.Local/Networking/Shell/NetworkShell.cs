using System.Diagnostics;
using AzureIaaS.Local.Networking.Wire;
using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Local.Networking.Shell;

/// <summary>
/// A command on a network, as on a machine of it: in a namespace with one device, whose frames go to the switch and come from there. It has the
/// third address of the network, which is kept for it.
/// </summary>
internal sealed class NetworkShell(VirtualNetwork network, ShellPlace place) : IDisposable
{
    private const string Device = "net0";

    private SafeFileHandle? _tap;

    /// <summary>Refuses where it cannot work.</summary>
    public static void Check()
    {
        if (!OperatingSystem.IsLinux() || !Tap.IsRoot)
        {
            throw new IaaSException(ErrorKind.AccessDenied, "RootNeeded", "A command on a network needs a namespace of its own, which only root on Linux can make.",
                "Run it with sudo; or do without: Wait-IaaSVm -For Port and Start-IaaSVm -PublishPort need no root.");
        }
    }

    /// <summary>Runs a command there, with this process's own input and output.</summary>
    /// <param name="command">The command and its arguments.</param>
    /// <param name="cancellation">Ends it.</param>
    /// <returns>Its exit code.</returns>
    public Task<int> RunAsync(IReadOnlyList<string> command, CancellationToken cancellation)
    {
        var result = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        // Namespaces belong to a thread, and to what it starts.
        var thread = new Thread(() =>
        {
            try
            {
                result.SetResult(Run(command, cancellation));
            }
            catch (Exception e)
            {
                result.SetException(e);   // the caller's to see
            }
        }) { IsBackground = true, Name = "network shell" };
        thread.Start();
        return result.Task;
    }

    public void Dispose() => _tap?.Dispose();

    private int Run(IReadOnlyList<string> command, CancellationToken cancellation)
    {
        Tap.LeaveNamespaces();
        _tap = Tap.Open(Device);
        var length = network.ToIPNetwork().PrefixLength;
        Do("mount", "--make-rprivate", "/");
        Do("ip", "link", "set", "lo", "up");
        Do("ip", "link", "set", Device, "address", place.MacAddress, "mtu", "1500", "up");
        Do("ip", "address", "add", $"{place.Address}/{length}", "dev", Device);
        Do("ip", "route", "add", "default", "via", network.GatewayAddress);
        UseResolver();
        new Thread(Outward) { IsBackground = true }.Start();
        new Thread(Inward) { IsBackground = true }.Start();
        using var process = Process.Start(new ProcessStartInfo(command[0], command.Skip(1)) { UseShellExecute = false })!;
        using var end = cancellation.Register(() => process.Kill(entireProcessTree: true));
        process.WaitForExit();
        return process.ExitCode;
    }

    /// <summary>The network's names, for this command alone: mounted over the system's own file in its mounts.</summary>
    private void UseResolver()
    {
        var file = Path.Combine(place.Folder, "resolv.conf");
        File.WriteAllText(file, (network.DnsSuffix is { } suffix ? $"search {suffix}\n" : "") + $"nameserver {network.GatewayAddress}\n");
        Do("mount", "--bind", file, "/etc/resolv.conf");
    }

    private static void Do(string program, params string[] arguments)
    {
        try
        {
            using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, UseShellExecute = false })!;
            var said = process.StandardError.ReadToEnd();
            process.WaitForExit();
            if (process.ExitCode == 0)
                return;
            throw new IaaSException(ErrorKind.Failed, "NamespaceRefused", $"{program} {string.Join(' ', arguments)} failed: {said.Trim()}", "Run it as root, on a Linux with network and mount namespaces.");
        }
        catch (System.ComponentModel.Win32Exception e)
        {
            throw new IaaSException(ErrorKind.NotInstalled, "ProgramMissing", $"'{program}' is needed for a command on a network, and is not installed.",
                "Install it (Debian and Ubuntu: apt install iproute2 mount).", program, e);
        }
    }

    private void Outward()
    {
        var frame = new byte[Frame.Longest];
        try
        {
            while (Tap.Read(_tap!, frame) is > 0 and var length)
                place.Send(frame.AsSpan(0, length));
        }
        catch (ObjectDisposedException)
        {
            // The end.
        }
    }

    private void Inward()
    {
        var frame = new byte[Frame.Longest];
        try
        {
            while (place.Receive(frame) is { } length)
                Tap.Write(_tap!, frame.AsSpan(0, length));
        }
        catch (ObjectDisposedException)
        {
            // The end.
        }
    }
}
