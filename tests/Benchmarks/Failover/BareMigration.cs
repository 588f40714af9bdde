using System.Diagnostics;
using AzureIaaS.Local.Fabric;

namespace AzureIaaS.Benchmarks.Failover;

/// <summary>How a guest's move went.</summary>
/// <param name="Downtime">From the STOP of the process it left to the RESUME of the one it went to.</param>
/// <param name="Total">From the beginning of the command to its end.</param>
internal sealed record Moved(TimeSpan Downtime, TimeSpan Total);

/// <summary>
/// The peer of a planned failover: QEMU's own migration, by hand. Two processes with the product's own command lines, and the shortest QMP dialogue
/// that takes the guest from the one to the other. Disposing it ends the guest.
/// </summary>
/// <param name="lines">The command lines that wait for a guest, by slot.</param>
/// <param name="files">The files of both slots.</param>
internal sealed class BareMigration(string[] lines, MachineFiles[] files) : IDisposable
{
    private const string Settings = """{"execute":"migrate-set-parameters","arguments":{"max-bandwidth":17179869184,"downtime-limit":50}}""";
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(5);

    private Process? _qemu;
    private int _slot;

    /// <summary>Starts the guest by hand.</summary>
    /// <param name="line">The command line that boots it.</param>
    public async Task BootAsync(string line)
    {
        Empty(files[0]);
        _qemu = Start(line);
        using var monitor = await BareMonitor.ConnectAsync(files[0].CommandMonitor);
        monitor.Execute("""{"execute":"cont"}""");
    }

    /// <summary>Takes the guest from its process to the other one.</summary>
    public async Task<Moved> MoveAsync()
    {
        var (from, to) = (files[_slot], files[1 - _slot]);
        var start = Stopwatch.GetTimestamp();
        Empty(to);
        var next = Start(lines[1 - _slot]);
        using var target = await BareMonitor.ConnectAsync(to.CommandMonitor);
        using var source = await BareMonitor.ConnectAsync(from.CommandMonitor);
        source.Execute(Settings);
        target.Execute(Migrate("migrate-incoming", to));
        source.Execute(Migrate("migrate", to));
        while (source.Execute("""{"execute":"query-migrate"}""").GetProperty("status").GetString() is var status and not "completed")
        {
            if (status is "failed" or "cancelled")
                throw new InvalidOperationException($"The migration by hand {status}.");
            await Task.Delay(AskEvery);
        }

        var downtime = TimeSpan.FromSeconds(await target.TimeOfAsync("RESUME") - await source.TimeOfAsync("STOP"));
        source.Execute("""{"execute":"quit"}""");
        await _qemu!.WaitForExitAsync();
        _qemu.Dispose();
        (_qemu, _slot) = (next, 1 - _slot);
        return new Moved(downtime, Stopwatch.GetElapsedTime(start));
    }

    public void Dispose()
    {
        _qemu?.Kill();
        _qemu?.WaitForExit();
        _qemu?.Dispose();
    }

    private static string Migrate(string command, MachineFiles to) =>
        $$$"""{"execute":"{{{command}}}","arguments":{"uri":"unix:{{{to.MigrationSocket}}}"}}""";

    private static Process Start(string line) => Process.Start(new ProcessStartInfo("sh", ["-c", "exec " + line]))!;

    private static void Empty(MachineFiles files)
    {
        Directory.CreateDirectory(files.Run);
        foreach (var stale in Directory.EnumerateFiles(files.Run))
            File.Delete(stale);
    }
}
