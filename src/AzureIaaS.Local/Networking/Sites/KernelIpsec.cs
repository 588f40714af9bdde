using AzureIaaS.Local.Processes;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>
/// Whether this kernel does what a tunnel needs: a state of ESP in UDP, and a device whose packets it transforms (an xfrm interface, Linux 4.19). It
/// is tried, in a network namespace that is gone with the trial: modules, containers and settings all have a say in it.
/// </summary>
internal static class KernelIpsec
{
    /// <summary>What ties the device to the tunnels (if_id).</summary>
    public const int InterfaceId = CharonMessages.RoutingTable;

    private const string Trial = """
        ip xfrm state add src 192.0.2.1 dst 192.0.2.2 proto esp spi 0x1000 reqid 1 mode tunnel aead 'rfc4106(gcm(aes))' 0x000000000000000000000000000000000000000000000000000000000000000000000000 128 encap espinudp 4500 4500 0.0.0.0 if_id 1 &&
        ip xfrm policy add src 192.0.2.0/28 dst 192.0.2.16/28 dir out tmpl src 192.0.2.1 dst 192.0.2.2 proto esp reqid 1 mode tunnel if_id 1 &&
        ip link add trial type xfrm dev lo if_id 1
        """;

    private static readonly TimeSpan TrialWithin = TimeSpan.FromSeconds(20);

    /// <summary>Runs a program; gives its exit code, null when it took too long.</summary>
    public delegate Task<ProgramResult> Run(string program, IEnumerable<string> arguments, TimeSpan limit, CancellationToken cancellation);

    /// <summary>By what the tunnels' packets are encrypted on this computer.</summary>
    /// <param name="run">Runs programs.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The choice, and why the kernel does not do it.</returns>
    public static async Task<(IpsecEngine Engine, string? Why)> ChooseAsync(Run run, CancellationToken cancellation)
    {
        try
        {
            var result = await run("unshare", ["--net", "sh", "-c", Trial], TrialWithin, cancellation);
            return result.ExitCode == 0 ? (IpsecEngine.Kernel, null)
                : (IpsecEngine.UserSpace, result.ExitCode is null ? "it takes too long" : result.Error.Trim());
        }
        catch (IaaSException e)
        {
            return (IpsecEngine.UserSpace, e.Message);   // no unshare: nothing can be tried
        }
    }

    /// <summary>Makes the device whose packets the kernel transforms; one that an earlier gateway has left is replaced.</summary>
    /// <param name="device">Its name.</param>
    /// <param name="run">Runs programs.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">It cannot be made.</exception>
    public static async Task AddDeviceAsync(string device, Run run, CancellationToken cancellation)
    {
        await RemoveDeviceAsync(device, run, cancellation);
        var made = await run("ip", ["link", "add", device, "type", "xfrm", "dev", "lo", "if_id", $"{InterfaceId}"], TrialWithin, cancellation);
        if (made.ExitCode != 0)
        {
            throw new IaaSException(ErrorKind.Failed, "TunnelDeviceRefused", $"The tunnels' device {device} cannot be made: {made.Error.Trim()}",
                "Run the gateway as root; from a container, with the capability NET_ADMIN.", device);
        }
    }

    /// <summary>Takes the device away. Repeating it changes nothing.</summary>
    /// <param name="device">Its name.</param>
    /// <param name="run">Runs programs.</param>
    /// <param name="cancellation">Stops it.</param>
    public static Task RemoveDeviceAsync(string device, Run run, CancellationToken cancellation) => run("ip", ["link", "delete", device], TrialWithin, cancellation);
}
