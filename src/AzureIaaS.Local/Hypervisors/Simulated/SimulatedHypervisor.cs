using System.Globalization;
using AzureIaaS.Local.Processes;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Hypervisors.Simulated;

/// <summary>
/// A hypervisor without processes: a machine "runs" when a file says so. States, locks, sagas and waiting are as for real, in milliseconds.
/// Its guests boot at once, say so on their consoles, and obey the power button.
/// </summary>
internal sealed class SimulatedHypervisor : IHypervisor
{
    private const string Prelaunch = "prelaunch";
    private const string Running = "running";
    private const string PoweredOff = "poweredoff";
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(200);

    public string Name => "Simulated";

    public bool UsesMemory => false;

    public void Check(VirtualMachine machine)
    {
        // Every machine can be pretended.
    }

    public async Task<Launched> LaunchAsync(
        VirtualMachine machine, MachineFiles files, string? machineType, IProgress<Notice> notices, CancellationToken cancellation)
    {
        PrivateFolder.Create(files.Run);
        var process = new ProcessIdentity(Random.Shared.Next(1, int.MaxValue), Environment.TickCount64, "simulated");
        await WriteAsync(files, Prelaunch, process);
        return new Launched(process, machineType ?? "simulated");
    }

    public bool IsAlive(MachineFiles files, ProcessIdentity process) => Read(files) is { } now && now.Process == process;

    public Task<ProcessFact> ObserveAsync(MachineFiles files, ProcessIdentity? known, bool search, CancellationToken cancellation) =>
        Task.FromResult(Read(files) is { } now
            ? new ProcessFact(now.Status switch
            {
                Prelaunch => ProcessCondition.Prelaunch,
                Running => ProcessCondition.Running,
                _ => ProcessCondition.PoweredOff,
            }, now.Process)
            : ProcessFact.None);

    public async Task WatchAsync(MachineFiles files, ProcessIdentity process, Action changed, CancellationToken cancellation)
    {
        var status = Running;
        while (Read(files) is { } now && now.Process == process)
        {
            if (now.Status != status)
                changed();
            status = now.Status;
            await Task.Delay(PollEvery, cancellation);
        }
    }

    public async Task ContinueAsync(MachineFiles files, CancellationToken cancellation)
    {
        await ChangeAsync(files, Running);
        await File.AppendAllTextAsync(files.Console, "simulated: the guest is running\n", cancellation);
    }

    public async Task PowerDownAsync(MachineFiles files, CancellationToken cancellation)
    {
        await ChangeAsync(files, PoweredOff);
        await File.AppendAllTextAsync(files.Console, "simulated: the guest has shut down\n", cancellation);
    }

    public Task<bool> EndAsync(MachineFiles files, ProcessIdentity process)
    {
        File.Delete(StateFile(files));
        return Task.FromResult(true);
    }

    public Task<string?> SignOfLifeAsync(MachineFiles files, CancellationToken cancellation) => Task.FromResult<string?>(null);

    private static string StateFile(MachineFiles files) => Path.Combine(files.Run, "simulated");

    private static async Task ChangeAsync(MachineFiles files, string status)
    {
        var now = Read(files) ?? throw new IaaSException(ErrorKind.Failed, "MonitorGone", "The simulated process has ended.", "Look at the machine with Get-IaaSVm.");
        await WriteAsync(files, status, now.Process);
    }

    /// <summary>Replaced in one step, so that whoever looks sees the one state or the other.</summary>
    private static async Task WriteAsync(MachineFiles files, string status, ProcessIdentity process)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{status} {process.Id} {process.StartTime}");
        var temporary = StateFile(files) + ".new";
        await File.WriteAllTextAsync(temporary, text);
        File.Move(temporary, StateFile(files), overwrite: true);
    }

    private static (string Status, ProcessIdentity Process)? Read(MachineFiles files)
    {
        try
        {
            var parts = File.ReadAllText(StateFile(files)).Split(' ');
            return (parts[0], new ProcessIdentity(int.Parse(parts[1], CultureInfo.InvariantCulture), long.Parse(parts[2], CultureInfo.InvariantCulture), "simulated"));
        }
        catch (IOException)
        {
            return null;
        }
    }
}
