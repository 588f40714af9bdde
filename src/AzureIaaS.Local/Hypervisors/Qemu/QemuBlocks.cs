using System.Text.Json;
using System.Text.Json.Nodes;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Hypervisors.Qemu.Qmp;
using AzureIaaS.Local.Machines;

namespace AzureIaaS.Local.Hypervisors.Qemu;

/// <summary>The layers of disks under QEMU: external snapshots and commit jobs, and a QEMU without a machine where none runs.</summary>
internal sealed class QemuBlocks(QemuHypervisor hypervisor) : IHypervisorDisks
{
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan DetachWithin = TimeSpan.FromSeconds(20);

    public async Task SwitchAsync(MachineFiles files, IReadOnlyList<(DiskLayer From, DiskLayer To)> changes, CancellationToken cancellation)
    {
        await using var monitor = await QemuHypervisor.OpenMonitorAsync(files, cancellation);
        var known = await NodesAsync(monitor);
        var actions = new JsonArray();
        foreach (var (from, to) in changes)
        {
            if (await IsActiveAsync(monitor, to.Name))
                continue;
            if (!known.Contains(to.Name))
                await AddNodesAsync(monitor, to, backing: null);
            actions.Add(new JsonObject { ["type"] = "blockdev-snapshot", ["data"] = new JsonObject { ["node"] = from.Name, ["overlay"] = to.Name } });
        }

        if (actions.Count > 0)
            await monitor.ExecuteAsync("transaction", new JsonObject { ["actions"] = actions }, CancellationToken.None);
    }

    public async Task MergeLiveAsync(MachineFiles files, DiskTree tree, DiskLayer layer, Action note, CancellationToken cancellation)
    {
        await using var monitor = await QemuHypervisor.OpenMonitorAsync(files, cancellation);
        var isActive = tree.Active == layer.Name;
        if (await IsThereAsync(monitor, tree, layer))
        {
            await CommitAsync(monitor, tree.Active, layer, cancellation);
            if (isActive)
                await PivotAsync(monitor, layer, note, cancellation);
            await RemoveNodesAsync(monitor, layer);
        }
        else if (isActive)
        {
            // The change was made, and whoever made it died before noting it: its guest is still halted. Or the layer was never taken up.
            note();
            await RemoveNodesAsync(monitor, layer);
            await monitor.ExecuteAsync("cont", null, CancellationToken.None);
        }

        if (!isActive)
            note();
    }

    public async Task MergeOfflineAsync(MachineFiles files, DiskTree tree, DiskLayer layer, CancellationToken cancellation)
    {
        if (!File.Exists(layer.File))
            return;   // merged before, and its file is gone
        var arguments = QemuCommandLine.BlocksOnly(tree.Chain(layer.Name), files);
        var process = await hypervisor.LaunchUtilityAsync(arguments, files, tree.Layers, cancellation);
        try
        {
            await using var monitor = await QemuHypervisor.OpenMonitorAsync(files, cancellation);
            await CommitAsync(monitor, layer.Name, layer, cancellation);
            await monitor.ExecuteAsync("block-job-complete", new JsonObject { ["device"] = JobOf(layer) }, CancellationToken.None);
            await WaitForEndOfJobAsync(monitor, layer, CancellationToken.None);
        }
        finally
        {
            await hypervisor.EndAsync(files, process);
        }
    }

    public async Task RebaseAsync(MachineFiles files, DiskTree tree, DiskLayer image, DiskLayer copy, CancellationToken cancellation)
    {
        await using var monitor = await QemuHypervisor.OpenMonitorAsync(files, cancellation);
        var known = await NodesAsync(monitor);
        if (!known.Contains(QemuCommandLine.FileNodeName(copy)))
            await monitor.ExecuteAsync("blockdev-add", QemuCommandLine.FileNode(copy), cancellation);
        if (!known.Contains(copy.Name))
            await monitor.ExecuteAsync("blockdev-add", QemuCommandLine.FormatNode(copy, readOnly: true), CancellationToken.None);
        foreach (var child in tree.Children(copy.Name).Where(c => known.Contains(c.Name)))
        {
            var options = new JsonArray(QemuCommandLine.FormatNode(child, readOnly: child.Name != tree.Active));
            await monitor.ExecuteAsync("blockdev-reopen", new JsonObject { ["options"] = options }, CancellationToken.None);
        }

        await RemoveNodesAsync(monitor, image);
    }

    public async Task AttachAsync(MachineFiles files, VirtualDisk disk, CancellationToken cancellation)
    {
        await using var monitor = await QemuHypervisor.OpenMonitorAsync(files, cancellation);
        var layer = DiskTree.Of(disk).Layers[0];
        if (!(await NodesAsync(monitor)).Contains(layer.Name))
            await AddNodesAsync(monitor, layer, backing: null);
        try
        {
            await monitor.ExecuteAsync("device_add", QemuCommandLine.HotDevice(disk), CancellationToken.None);
        }
        catch (QmpException)
        {
            await RemoveNodesAsync(monitor, layer);
            throw;
        }
    }

    public async Task DetachAsync(MachineFiles files, VirtualDisk disk, CancellationToken cancellation)
    {
        await using var monitor = await QemuHypervisor.OpenMonitorAsync(files, cancellation);
        try
        {
            await monitor.ExecuteAsync("device_del", new JsonObject { ["id"] = QemuCommandLine.DeviceOf(disk.Name) }, cancellation);
        }
        catch (QmpException e) when (e.Class == "DeviceNotFound")
        {
            // It was let go before.
        }

        var start = Environment.TickCount64;
        while (await IsActiveAsync(monitor, disk.Name))
        {
            if (Environment.TickCount64 - start > DetachWithin.TotalMilliseconds)
            {
                throw new IaaSException(ErrorKind.Timeout, "GuestKeepsDisk", $"The guest does not let go of {disk.Name}.",
                    "Unmount it in the guest and try again, or stop the machine first.", disk.Name);
            }

            await Task.Delay(AskEvery, cancellation);
        }

        await RemoveNodesAsync(monitor, DiskTree.Of(disk).Layers[0]);
    }

    /// <summary>Brings a layer's content into the one below it; for the top layer, until the two are the same.</summary>
    private static async Task CommitAsync(QmpConnection monitor, string root, DiskLayer layer, CancellationToken cancellation)
    {
        await monitor.ExecuteAsync("block-commit",
            new JsonObject { ["job-id"] = JobOf(layer), ["device"] = root, ["top-node"] = layer.Name, ["base-node"] = layer.Parent }, cancellation);
        while (true)
        {
            var job = await JobAsync(monitor, layer);
            if (job is null)
            {
                await CheckEndAsync(monitor, layer);
                return;
            }

            if (job.Value.GetProperty("ready").GetBoolean())
                return;
            try
            {
                await Task.Delay(AskEvery, cancellation);
            }
            catch (OperationCanceledException)
            {
                await monitor.ExecuteAsync("block-job-cancel", new JsonObject { ["device"] = JobOf(layer), ["force"] = true }, CancellationToken.None);
                throw;
            }
        }
    }

    /// <summary>
    /// Makes the layer below the active one. The guest stands still until that is noted: dying in between, either note is right, for both
    /// layers together hold what the lower one holds alone.
    /// </summary>
    private static async Task PivotAsync(QmpConnection monitor, DiskLayer layer, Action note, CancellationToken cancellation)
    {
        cancellation.ThrowIfCancellationRequested();
        await monitor.ExecuteAsync("stop", null, CancellationToken.None);
        try
        {
            await monitor.ExecuteAsync("block-job-complete", new JsonObject { ["device"] = JobOf(layer) }, CancellationToken.None);
            await WaitForEndOfJobAsync(monitor, layer, CancellationToken.None);
            note();
        }
        finally
        {
            await monitor.ExecuteAsync("cont", null, CancellationToken.None);
        }
    }

    private static async Task WaitForEndOfJobAsync(QmpConnection monitor, DiskLayer layer, CancellationToken cancellation)
    {
        while (await JobAsync(monitor, layer) is not null)
            await Task.Delay(AskEvery, cancellation);
        await CheckEndAsync(monitor, layer);
    }

    /// <summary>A job that has ended is gone; how it ended was said in an event.</summary>
    private static async Task CheckEndAsync(QmpConnection monitor, DiskLayer layer)
    {
        while (monitor.Events.TryRead(out var e))
        {
            if (e.Name is "BLOCK_JOB_COMPLETED" or "BLOCK_JOB_CANCELLED" && e.Text("device") == JobOf(layer) && e.Text("error") is { } error)
            {
                throw new IaaSException(ErrorKind.Failed, "MergeFailed", $"{layer.File} could not be merged into the layer below it: {error}.",
                    "Make room on the disk or mend it, then try again; nothing is lost.", layer.File);
            }
        }

        await Task.CompletedTask;
    }

    private static async Task<JsonElement?> JobAsync(QmpConnection monitor, DiskLayer layer)
    {
        var jobs = await monitor.ExecuteAsync("query-block-jobs", null, CancellationToken.None);
        foreach (var job in jobs.EnumerateArray())
        {
            if (job.GetProperty("device").GetString() == JobOf(layer))
                return job;
        }

        return null;
    }

    private static string JobOf(DiskLayer layer) => "merge-" + layer.Name;

    private static async Task AddNodesAsync(QmpConnection monitor, DiskLayer layer, string? backing)
    {
        await monitor.ExecuteAsync("blockdev-add", QemuCommandLine.FileNode(layer), CancellationToken.None);
        var node = QemuCommandLine.FormatNode(layer, readOnly: false);
        if (layer.Format == "qcow2")
            node["backing"] = backing;
        await monitor.ExecuteAsync("blockdev-add", node, CancellationToken.None);
    }

    private static async Task RemoveNodesAsync(QmpConnection monitor, DiskLayer layer)
    {
        var known = await NodesAsync(monitor);
        foreach (var node in new[] { layer.Name, QemuCommandLine.FileNodeName(layer) }.Where(known.Contains))
            await monitor.ExecuteAsync("blockdev-del", new JsonObject { ["node-name"] = node }, CancellationToken.None);
    }

    private static async Task<HashSet<string>> NodesAsync(QmpConnection monitor)
    {
        var nodes = await monitor.ExecuteAsync("query-named-block-nodes", new JsonObject { ["flat"] = true }, CancellationToken.None);
        return [.. nodes.EnumerateArray().Select(n => n.GetProperty("node-name").GetString()!)];
    }

    /// <summary>Whether a layer is still part of the chain: a merge that was made leaves its nodes, but nothing above or below refers to them.</summary>
    private static async Task<bool> IsThereAsync(QmpConnection monitor, DiskTree tree, DiskLayer layer)
    {
        if (tree.Active == layer.Name)
            return await IsActiveAsync(monitor, layer.Name);
        var nodes = await monitor.ExecuteAsync("query-named-block-nodes", null, CancellationToken.None);
        var above = tree.Children(layer.Name).Select(c => c.Name).ToHashSet();
        return nodes.EnumerateArray().Any(n => above.Contains(n.GetProperty("node-name").GetString()!)
            && n.TryGetProperty("image", out var image) && image.TryGetProperty("backing-image", out var backing)
            && backing.GetProperty("filename").GetString() == layer.File);
    }

    /// <summary>Whether a guest's device writes to a node.</summary>
    private static async Task<bool> IsActiveAsync(QmpConnection monitor, string node)
    {
        var devices = await monitor.ExecuteAsync("query-block", null, CancellationToken.None);
        return devices.EnumerateArray().Any(d => d.TryGetProperty("inserted", out var inserted) && inserted.GetProperty("node-name").GetString() == node);
    }
}
