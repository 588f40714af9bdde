using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using AzureIaaS.Local.Networking.Wire;
using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Local.Networking.Shell;

/// <summary>
/// A command on a network, as on a machine of it: in a namespace with one device, whose frames go to the switch and come from there. It has the
/// third address of the network, which is kept for it.
/// </summary>
internal sealed class NetworkShell : IDisposable
{
    private const string Device = "net0";

    private readonly VirtualNetwork _network;
    private readonly SwitchResponse _place;
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
    private readonly SocketAddress _switch;
    private SafeFileHandle? _tap;

    /// <summary>Takes a place that the network's switch has given.</summary>
    /// <param name="network">The network.</param>
    /// <param name="place">The place.</param>
    public NetworkShell(VirtualNetwork network, SwitchResponse place)
    {
        (_network, _place) = (network, place);
        File.Delete(place.Peer!);
        _socket.Bind(new UnixDomainSocketEndPoint(place.Peer!));
        _switch = new UnixDomainSocketEndPoint(place.Listen!).Serialize();
    }

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

    public void Dispose()
    {
        _tap?.Dispose();
        _socket.Dispose();
        File.Delete(_place.Peer!);
    }

    private int Run(IReadOnlyList<string> command, CancellationToken cancellation)
    {
        Tap.LeaveNamespaces();
        _tap = Tap.Open(Device);
        var length = _network.ToIPNetwork().PrefixLength;
        Do("mount", "--make-rprivate", "/");
        Do("ip", "link", "set", "lo", "up");
        Do("ip", "link", "set", Device, "address", _place.MacAddress!, "mtu", "1500", "up");
        Do("ip", "address", "add", $"{_place.Address}/{length}", "dev", Device);
        Do("ip", "route", "add", "default", "via", _network.GatewayAddress);
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
        var file = Path.Combine(Path.GetDirectoryName(_place.Peer!)!, "resolv.conf");
        File.WriteAllText(file, (_network.DnsSuffix is { } suffix ? $"search {suffix}\n" : "") + $"nameserver {_network.GatewayAddress}\n");
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
            {
                try
                {
                    _socket.SendTo(frame.AsSpan(0, length), SocketFlags.None, _switch);
                }
                catch (SocketException)
                {
                    // The switch is being replaced: the frame is lost, as on any wire.
                }
            }
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
            while (_socket.Receive(frame, SocketFlags.None, out var error) is var length && error == SocketError.Success)
                Tap.Write(_tap!, frame.AsSpan(0, length));
        }
        catch (ObjectDisposedException)
        {
            // The end.
        }
    }
}
