using System.Text.Json.Nodes;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Hypervisors.Qemu.Qmp;

namespace AzureIaaS.Local.Hypervisors.Qemu;

/// <summary>Network adapters of running machines under QEMU.</summary>
internal static class QemuAdapters
{
    /// <summary>Long enough for a guest's driver to see that its link was down.</summary>
    private static readonly TimeSpan LinkDown = TimeSpan.FromMilliseconds(500);

    public static async Task ReplugAsync(MachineFiles files, NetworkAdapter adapter, CancellationToken cancellation)
    {
        await using var monitor = await QemuHypervisor.OpenMonitorAsync(files, cancellation);
        await SetLinkAsync(monitor, adapter, up: false);
        try
        {
            await Task.Delay(LinkDown, cancellation);
        }
        finally
        {
            await SetLinkAsync(monitor, adapter, up: true);
        }
    }

    public static async Task AttachAsync(MachineFiles files, NetworkAdapter adapter, CancellationToken cancellation)
    {
        await using var monitor = await QemuHypervisor.OpenMonitorAsync(files, cancellation);
        try
        {
            await monitor.ExecuteAsync("netdev_add", QemuCommandLine.HotNetdev(adapter, files), CancellationToken.None);
        }
        catch (QmpException e) when (IsThere(e))
        {
            // A former attempt came so far.
        }

        try
        {
            await monitor.ExecuteAsync("device_add", QemuCommandLine.HotAdapter(adapter), CancellationToken.None);
        }
        catch (QmpException e) when (!IsThere(e))
        {
            await monitor.ExecuteAsync("netdev_del", new JsonObject { ["id"] = adapter.Name }, CancellationToken.None);
            throw;
        }
        catch (QmpException)
        {
            // Or even so far.
        }
    }

    private static bool IsThere(QmpException e) => e.Message.Contains("Duplicate", StringComparison.OrdinalIgnoreCase);

    private static async Task SetLinkAsync(QmpConnection monitor, NetworkAdapter adapter, bool up) =>
        await monitor.ExecuteAsync("set_link", new JsonObject { ["name"] = adapter.Name + "-device", ["up"] = up }, CancellationToken.None);
}
