using System.Globalization;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Hypervisors.Qemu.Qmp;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Hypervisors.Qemu;

/// <summary>A guest's memory on its way: to another process, or to and from a file. QEMU may start no program, so files are read and written here.</summary>
internal static class QemuMemory
{
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(5);
    private static readonly TimeSpan ConnectWithin = TimeSpan.FromSeconds(20);

    private const int UsualDowntimeLimit = 50;

    /// <summary>As fast as the machine can: both ends are here.</summary>
    private const long Bandwidth = 16L << 30;

    public static async Task<MigrationResult> MigrateAsync(MachineFiles from, MachineFiles to, TimeSpan limit, IProgress<Notice> notices, CancellationToken cancellation)
    {
        await using var source = await QemuHypervisor.OpenMonitorAsync(from, cancellation);
        await using var target = await QemuHypervisor.OpenMonitorAsync(to, cancellation);
        var uri = "unix:" + to.MigrationSocket;
        var hasKvm = (await source.ExecuteAsync("query-kvm", null, cancellation)).GetProperty("enabled").GetBoolean();
        var downtime = DowntimeLimit(source.Version, hasKvm);
        await PrepareAsync(source, downtime, cancellation);
        await PrepareAsync(target, downtime, cancellation);
        await target.ExecuteAsync("migrate-incoming", new JsonObject { ["uri"] = uri }, cancellation);
        await source.ExecuteAsync("migrate", new JsonObject { ["uri"] = uri }, cancellation);
        try
        {
            return await WaitAsync(source, limit, notices, cancellation);
        }
        catch
        {
            await CancelAsync(source);
            throw;
        }
    }

    public static async Task SaveAsync(MachineFiles files, string path, CancellationToken cancellation)
    {
        await using var monitor = await QemuHypervisor.OpenMonitorAsync(files, cancellation);
        await PrepareAsync(monitor, UsualDowntimeLimit, cancellation);
        File.Delete(files.MigrationSocket);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(files.MigrationSocket));
        listener.Listen(1);
        try
        {
            await monitor.ExecuteAsync("migrate", new JsonObject { ["uri"] = "unix:" + files.MigrationSocket }, cancellation);
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            limit.CancelAfter(ConnectWithin);
            using var socket = await listener.AcceptAsync(limit.Token);
            await using var stream = new NetworkStream(socket);
            await using var file = CreatePrivate(path);
            await stream.CopyToAsync(file, 1 << 20, cancellation);
            file.Flush(flushToDisk: true);
            await WaitAsync(monitor, ConnectWithin, null, cancellation);
        }
        catch
        {
            await CancelAsync(monitor);
            File.Delete(path);
            throw;
        }
        finally
        {
            File.Delete(files.MigrationSocket);
        }
    }

    public static async Task LoadAsync(MachineFiles files, string path, CancellationToken cancellation)
    {
        await using var monitor = await QemuHypervisor.OpenMonitorAsync(files, cancellation);
        await monitor.ExecuteAsync("migrate-incoming", new JsonObject { ["uri"] = "unix:" + files.MigrationSocket }, cancellation);
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(files.MigrationSocket), cancellation);
        await using (var stream = new NetworkStream(socket))
        {
            await using var file = File.OpenRead(path);
            try
            {
                await file.CopyToAsync(stream, 1 << 20, cancellation);
                socket.Shutdown(SocketShutdown.Send);
            }
            catch (IOException e) when (e.InnerException is SocketException)
            {
                // QEMU has all it wants, or has given up; it says which.
            }
        }

        while (true)
        {
            var status = await monitor.ExecuteAsync("query-status", null, cancellation);
            if (status.GetProperty("status").GetString() != "inmigrate")
                return;
            await Task.Delay(AskEvery, cancellation);
        }
    }

    private static FileStream CreatePrivate(string path)
    {
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        return new FileStream(path, options);
    }

    /// <summary>How long the guest may be meant to stand still at the end of a live migration, in milliseconds: QEMU halts it once what is left can be copied in that time.</summary>
    /// <remarks>
    /// Without KVM, QEMU before 9.0 overlooks what a running guest writes to a page after it was asked for the second time which pages were written
    /// ("physmem: fix migration dirty bitmap coherency with TCG memory access"): the guest goes on with a damaged memory. Where no time at all is allowed, versions
    /// before 8.0 ask for the second time when the guest stands still; it then does so a little longer. Those of 8 ask it while it runs, whatever is allowed.
    /// </remarks>
    /// <param name="version">QEMU's version.</param>
    /// <param name="hasKvm">Whether the guest runs under KVM.</param>
    /// <exception cref="IaaSException">This QEMU cannot migrate a running guest without damage.</exception>
    internal static int DowntimeLimit(string version, bool hasKvm)
    {
        var major = int.TryParse(version.AsSpan(0, Math.Max(0, version.IndexOf('.', StringComparison.Ordinal))), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;
        if (hasKvm || major >= 9)
            return UsualDowntimeLimit;
        return major < 8 ? 0 : throw new IaaSException(ErrorKind.NotSupported, "MigrationWouldDamage",
            $"Without KVM, QEMU {version} loses some of what a guest writes while it is migrated, and the guest goes on with a damaged memory.",
            "Use QEMU 9.0 or later, or KVM; or allow a restart with -AllowRestart.", version);
    }

    private static Task<JsonElement> PrepareAsync(QmpConnection monitor, int downtimeLimit, CancellationToken cancellation) => monitor.ExecuteAsync(
        "migrate-set-parameters", new JsonObject { ["max-bandwidth"] = Bandwidth, ["downtime-limit"] = downtimeLimit }, cancellation);

    private static async Task<MigrationResult> WaitAsync(QmpConnection source, TimeSpan limit, IProgress<Notice>? notices, CancellationToken cancellation)
    {
        var start = Environment.TickCount64;
        while (true)
        {
            var state = await source.ExecuteAsync("query-migrate", null, cancellation);
            switch (state.TryGetProperty("status", out var status) ? status.GetString() : null)
            {
                case "completed":
                    notices?.Report(Notice.Verbose($"QEMU asked the guest {state.GetProperty("ram").GetProperty("dirty-sync-count").GetInt64()} times for the pages that were written."));
                    return new MigrationResult(Milliseconds(state, "downtime"), Milliseconds(state, "total-time"));
                case "failed" or "cancelled":
                    var why = state.TryGetProperty("error-desc", out var description) ? description.GetString() : "QEMU does not say why";
                    throw new IaaSException(ErrorKind.Failed, "MigrationFailed", $"The memory could not be taken over: {why}.", "The machine goes on where it was; look at its qemu.log, and try again.");
            }

            if (Environment.TickCount64 - start > limit.TotalMilliseconds)
            {
                throw new IaaSException(ErrorKind.Timeout, "MigrationTimeout", string.Create(CultureInfo.InvariantCulture, $"The memory could not be taken over within {limit.TotalSeconds:0} s: the guest writes faster than it can be copied."),
                    "The machine goes on where it was. Try when it is quieter, give it longer, or allow a restart.");
            }

            if (state.TryGetProperty("ram", out var ram) && ram.GetProperty("total").GetInt64() is var total and > 0)
                notices?.Report(Notice.Step("Copying memory", Math.Clamp(1 - ((double)ram.GetProperty("remaining").GetInt64() / total), 0, 1)));
            await Task.Delay(AskEvery, cancellation);
        }
    }

    private static TimeSpan Milliseconds(JsonElement state, string name) =>
        state.TryGetProperty(name, out var value) ? TimeSpan.FromMilliseconds(value.GetDouble()) : TimeSpan.Zero;

    private static async Task CancelAsync(QmpConnection source)
    {
        try
        {
            await source.ExecuteAsync("migrate_cancel", null, CancellationToken.None);
        }
        catch (Exception e) when (e is IaaSException or IOException)
        {
            // It ended by itself, or its process is gone: then there is nothing to stop.
        }
    }
}
