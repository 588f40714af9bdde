using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Hypervisors.Qemu.Qmp;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Processes;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Hypervisors.Qemu;

/// <summary>Real machines: one QEMU process each, commanded through its monitor.</summary>
internal sealed class QemuHypervisor : IHypervisor
{
    /// <summary>How long a process may say nothing before it is said to be silent.</summary>
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(2);

    /// <summary>How long whoever wants something of it waits: a computer that is busy with other machines is no reason to fail.</summary>
    private static readonly TimeSpan ObeyWithin = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan LaunchWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan EndWithin = TimeSpan.FromSeconds(10);
    private static readonly SearchValues<char> ShellCharacters = SearchValues.Create(" '\"\\$&;()<>|*?");
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(5);

    private readonly string _probeCache;
    private string? _version;

    /// <summary>Uses the QEMU on this computer.</summary>
    /// <param name="probeCache">The file in which it is remembered what that QEMU can do.</param>
    public QemuHypervisor(string probeCache)
    {
        _probeCache = probeCache;
        Disks = new QemuBlocks(this);
    }

    public string Name => "Qemu";

    public IHypervisorDisks Disks { get; }

    public IReadOnlyDictionary<string, string> Versions => new Dictionary<string, string> { ["QEMU"] = _version ?? "not asked" };

    public bool UsesMemory => true;

    public bool SendsFrames => true;

    public bool ReadsDisks => true;

    public void Check(VirtualMachine machine)
    {
        if (machine.Disks.FirstOrDefault(d => d.LogicalSectorSize != 512 && d.Controller is DiskController.Ide or DiskController.Sata) is { } disk)
        {
            throw new IaaSException(ErrorKind.NotSupported, "SectorSizeNotSupported",
                $"{machine.Name}: {disk.Name} has sectors of {disk.LogicalSectorSize} bytes, which an {disk.Controller} controller cannot have.",
                "Import it with another controller: -DiskController Nvme or VirtioScsi.", machine.Name);
        }
    }

    public async Task<Launched> LaunchAsync(LaunchRequest request, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var program = QemuInstallation.FindProgram();
        var facts = await new AcceleratorProbe(program, _probeCache).AskAsync(cancellation);
        var uefi = request.Machine.Firmware == Firmware.Uefi ? QemuInstallation.FindUefi() : null;
        PrepareFiles(request.Files, uefi);
        var settings = new QemuSettings(request.MachineType ?? facts.MachineType, AcceleratorProbe.Of(facts.AcceleratorName), uefi?.Code);
        var arguments = QemuCommandLine.Build(request, settings);
        notices.Report(Notice.Verbose($"{program} {string.Join(' ', arguments.Select(Quote))}"));
        var process = await StartAsync(program, arguments, request.Machine.Name, request.Files, uefi, request.Chains.SelectMany(c => c), cancellation);
        return new Launched(process, settings.MachineType);
    }

    /// <summary>Starts a QEMU without a machine, that only works on disks.</summary>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="files">The machine's files.</param>
    /// <param name="layers">The layers it works on.</param>
    /// <param name="cancellation">Stops it.</param>
    public Task<ProcessIdentity> LaunchUtilityAsync(IReadOnlyList<string> arguments, MachineFiles files, IEnumerable<DiskLayer> layers, CancellationToken cancellation)
    {
        PrepareFiles(files, uefi: null);
        return StartAsync(QemuInstallation.FindProgram(), arguments, "its disks", files, uefi: null, layers, cancellation);
    }

    public bool IsAlive(MachineFiles files, ProcessIdentity process) => ProcessTable.IsAlive(process);

    public async Task<ProcessFact> ObserveAsync(MachineFiles files, ProcessIdentity? known, bool search, CancellationToken cancellation)
    {
        var process = known is not null && ProcessTable.IsAlive(known) ? known : Unnoted(files, search);
        if (process is null)
            return ProcessFact.None;
        if (ProcessTable.IsHalted(process))
            return new ProcessFact(ProcessCondition.NotAnswering, process);
        try
        {
            await using var monitor = await QmpConnection.ConnectAsync(files.CommandMonitor, AnswerWithin, cancellation);
            if (monitor is null)
                return await SilentAsync(process, cancellation);
            var status = await monitor.ExecuteAsync("query-status", null, AnswerWithin, cancellation);
            return new ProcessFact(ConditionOf(status), process);
        }
        catch (Exception e) when (e is IaaSException { Kind: ErrorKind.Timeout } or IOException)
        {
            return await SilentAsync(process, cancellation);
        }
    }

    public async Task WatchAsync(MachineFiles files, ProcessIdentity process, Action changed, CancellationToken cancellation)
    {
        await using var monitor = await QmpConnection.ConnectAsync(files.WatchMonitor, AnswerWithin, cancellation);
        if (monitor is null)
            return;
        await foreach (var e in monitor.Events.ReadAllAsync(cancellation))
        {
            if (e.Name is "SHUTDOWN" or "STOP" or "RESUME" or "GUEST_PANICKED" or "BLOCK_IO_ERROR")
                changed();
        }
    }

    public Task ContinueAsync(MachineFiles files, CancellationToken cancellation) => CommandAsync(files, "cont", ObeyWithin, cancellation);

    public Task HaltAsync(MachineFiles files, CancellationToken cancellation) => CommandAsync(files, "stop", ObeyWithin, cancellation);

    public Task<bool> KillAsync(MachineFiles files, ProcessIdentity process) => ProcessTable.KillAsync(process, EndWithin);

    public Task<MigrationResult> MigrateAsync(MachineFiles from, MachineFiles to, TimeSpan limit, IProgress<Notice> notices, CancellationToken cancellation) =>
        QemuMemory.MigrateAsync(from, to, limit, notices, cancellation);

    public Task SaveMemoryAsync(MachineFiles files, string path, CancellationToken cancellation) => QemuMemory.SaveAsync(files, path, cancellation);

    public Task LoadMemoryAsync(MachineFiles files, string path, CancellationToken cancellation) => QemuMemory.LoadAsync(files, path, cancellation);

    public Task ReplugAsync(MachineFiles files, NetworkAdapter adapter, CancellationToken cancellation) => QemuAdapters.ReplugAsync(files, adapter, cancellation);

    public Task AttachAdapterAsync(MachineFiles files, NetworkAdapter adapter, CancellationToken cancellation) => QemuAdapters.AttachAsync(files, adapter, cancellation);

    public async Task<byte[]> ScreenshotAsync(MachineFiles files, CancellationToken cancellation)
    {
        var path = Path.Combine(files.Run, "screen.png");
        await using var monitor = await OpenMonitorAsync(files, cancellation);
        await monitor.ExecuteAsync("screendump", new JsonObject { ["filename"] = path, ["format"] = "png" }, ObeyWithin, cancellation);
        var picture = await File.ReadAllBytesAsync(path, cancellation);
        File.Delete(path);
        return picture;
    }

    public void Dispose()
    {
        // Nothing is held between calls.
    }

    /// <summary>Connects to a machine's monitor.</summary>
    /// <param name="files">The machine's files.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="IaaSException">Nobody listens there, or whoever does is silent.</exception>
    public static async Task<QmpConnection> OpenMonitorAsync(MachineFiles files, CancellationToken cancellation) =>
        await OpenMonitorAsync(files, ObeyWithin, cancellation);

    private static async Task<QmpConnection> OpenMonitorAsync(MachineFiles files, TimeSpan within, CancellationToken cancellation) =>
        await QmpConnection.ConnectAsync(files.CommandMonitor, within, cancellation)
        ?? throw new IaaSException(ErrorKind.Failed, "MonitorGone", $"Nobody listens at {files.CommandMonitor}: the machine's process has ended.",
            "Look at the machine with Get-IaaSVm.", files.CommandMonitor);

    public Task PowerDownAsync(MachineFiles files, CancellationToken cancellation) => CommandAsync(files, "system_powerdown", ObeyWithin, cancellation);

    public async Task<bool> EndAsync(MachineFiles files, ProcessIdentity process)
    {
        try
        {
            await CommandAsync(files, "quit", AnswerWithin, CancellationToken.None);
            if (await ProcessTable.WaitForEndAsync(process, EndWithin, CancellationToken.None))
                return true;
        }
        catch (Exception e) when (e is IaaSException or IOException)
        {
            // It does not listen any more; it is ended from outside.
        }

        return await ProcessTable.KillAsync(process, EndWithin);
    }

    public async Task<string?> SignOfLifeAsync(MachineFiles files, CancellationToken cancellation)
    {
        try
        {
            await using var monitor = await QmpConnection.ConnectAsync(files.CommandMonitor, AnswerWithin, cancellation);
            if (monitor is null)
                return null;
            var channels = await monitor.ExecuteAsync("query-chardev", null, AnswerWithin, cancellation);
            foreach (var channel in channels.EnumerateArray())
            {
                if (channel.GetProperty("label").GetString() == "agent" && channel.GetProperty("frontend-open").GetBoolean())
                    return "the guest agent has opened its channel";
            }

            return await DriverIsReadyAsync(monitor, "/machine/peripheral/balloon0/virtio-backend", cancellation) ? "its virtio balloon driver is ready" : null;
        }
        catch (Exception e) when (e is IaaSException { Kind: ErrorKind.Timeout } or IOException)
        {
            return null;   // neither a halted process nor one that has just died gives a sign
        }
    }

    /// <summary>Whether a guest's driver has said DRIVER_OK (virtio 1.1, section 2.1) to a device that no firmware drives.</summary>
    private static async Task<bool> DriverIsReadyAsync(QmpConnection monitor, string path, CancellationToken cancellation)
    {
        try
        {
            var status = await monitor.ExecuteAsync("x-query-virtio-status", new JsonObject { ["path"] = path }, AnswerWithin, cancellation);
            return status.GetProperty("status").GetProperty("statuses").EnumerateArray()
                .Any(s => s.GetString()?.Contains("DRIVER_OK", StringComparison.Ordinal) == true);
        }
        catch (QmpException)
        {
            return false;   // a QEMU that does not tell: one sign less
        }
    }

    /// <summary>A process that was killed is silent at once, and gone a moment later.</summary>
    private static async Task<ProcessFact> SilentAsync(ProcessIdentity process, CancellationToken cancellation)
    {
        if (ProcessTable.IsEnding(process))
            await ProcessTable.WaitForEndAsync(process, AnswerWithin, cancellation);
        return ProcessTable.IsAlive(process) ? new ProcessFact(ProcessCondition.NotAnswering, process) : ProcessFact.None;
    }

    private static async Task CommandAsync(MachineFiles files, string command, TimeSpan within, CancellationToken cancellation)
    {
        await using var monitor = await OpenMonitorAsync(files, within, cancellation);
        await monitor.ExecuteAsync(command, null, within, cancellation);
    }

    private async Task<ProcessIdentity> StartAsync(string program, IReadOnlyList<string> arguments, string what, MachineFiles files, UefiFirmware? uefi,
        IEnumerable<DiskLayer> layers, CancellationToken cancellation)
    {
        var logStart = new FileInfo(files.ProcessLog) is { Exists: true } log ? log.Length : 0;
        var id = Launcher.Start(program, arguments, files.Folder, files.ProcessLog, ConfinementOf(program, files, uefi, layers));
        var process = ProcessTable.Find(id);
        try
        {
            await WaitForMonitorAsync(what, files, process, logStart, cancellation);
            return process!;
        }
        catch
        {
            if (process is not null)
                await ProcessTable.KillAsync(process, EndWithin);
            throw;
        }
    }

    private static void PrepareFiles(MachineFiles files, UefiFirmware? uefi)
    {
        PrivateFolder.Create(files.Run);
        foreach (var stale in Directory.EnumerateFiles(files.Run))
            File.Delete(stale);
        if (uefi is not null && !File.Exists(files.FirmwareVariables))
        {
            // Copied beside and renamed: a copy that was cut off must not be taken for the variables.
            var temporary = files.FirmwareVariables + ".new";
            File.Copy(uefi.Variables, temporary, overwrite: true);
            File.Move(temporary, files.FirmwareVariables);
        }
    }

    private static Confinement ConfinementOf(string program, MachineFiles files, UefiFirmware? uefi, IEnumerable<DiskLayer> layers)
    {
        var real = File.ResolveLinkTarget(program, returnFinalTarget: true)?.FullName ?? program;
        var home = Path.GetDirectoryName(Path.GetDirectoryName(real));
        List<string> readable = ["/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/proc", "/sys/devices/system", "/dev/urandom", real];
        if (home is { Length: > 1 })
            readable.Add(home);
        if (uefi is not null)
            readable.Add(uefi.Code);

        // A rehearsal's clone lies on layers of its original.
        readable.AddRange(layers.Select(l => l.File).Where(f => Path.GetDirectoryName(f) != files.Folder));
        return new Confinement(readable, [files.Folder, files.Run, "/dev/null", "/dev/kvm"]);
    }

    private static ProcessIdentity? Unnoted(MachineFiles files, bool search)
    {
        try
        {
            if (int.TryParse(File.ReadAllText(files.ProcessIdFile).AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var id)
                && ProcessTable.HasArgument(id, files.ProcessIdFile))
                return ProcessTable.Find(id);
        }
        catch (IOException)
        {
            // No note of its own either: it never came so far, or its folder is gone.
        }

        return search ? ProcessTable.FindByArgument(files.ProcessIdFile) : null;
    }

    private async Task WaitForMonitorAsync(
        string what, MachineFiles files, ProcessIdentity? process, long logStart, CancellationToken cancellation)
    {
        var start = Environment.TickCount64;
        while (process is not null && ProcessTable.IsAlive(process))
        {
            if (File.Exists(files.CommandMonitor))
            {
                await using var monitor = await QmpConnection.ConnectToNewAsync(files.CommandMonitor, AnswerWithin, LaunchWithin, cancellation);
                if (monitor is not null)
                {
                    _version = monitor.Version;
                    return;
                }
            }

            if (Environment.TickCount64 - start > LaunchWithin.TotalMilliseconds)
            {
                throw new IaaSException(ErrorKind.Timeout, "QemuSilent", $"{what}: QEMU was started and did not answer within {LaunchWithin.TotalSeconds:0} s.",
                    $"Look at {files.ProcessLog}; the computer may be overloaded.", what);
            }

            await Task.Delay(PollEvery, cancellation);
        }

        throw new IaaSException(ErrorKind.Failed, "QemuDied", $"{what}: QEMU ended as soon as it was started. {LastWords(files.ProcessLog, logStart)}".TrimEnd(),
            $"Its log is {files.ProcessLog}; with -Verbose the command line is shown, to be tried by hand.", what);
    }

    private static string LastWords(string log, long from)
    {
        const int Most = 2000;
        try
        {
            using var stream = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            stream.Position = Math.Max(from, stream.Length - Most);
            using var reader = new StreamReader(stream);
            return "It said: " + string.Join(" / ", reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).TakeLast(3));
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static ProcessCondition ConditionOf(JsonElement status) => status.GetProperty("status").GetString() switch
    {
        "running" or "finish-migrate" or "restore-vm" or "save-vm" or "suspended" or "watchdog" => ProcessCondition.Running,
        "prelaunch" or "preconfig" => ProcessCondition.Prelaunch,
        "inmigrate" => ProcessCondition.Incoming,
        "postmigrate" => ProcessCondition.MovedAway,
        "shutdown" => ProcessCondition.PoweredOff,
        "guest-panicked" => ProcessCondition.Panicked,
        "io-error" => ProcessCondition.DiskFull,
        "internal-error" => ProcessCondition.Broken,
        _ => ProcessCondition.Paused,
    };

    private static string Quote(string argument) =>
        argument.AsSpan().IndexOfAny(ShellCharacters) < 0 ? argument : "'" + argument.Replace("'", "'\\''", StringComparison.Ordinal) + "'";
}
