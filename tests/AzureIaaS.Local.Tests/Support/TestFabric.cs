using System.Diagnostics;
using AzureIaaS.Guests.Testing;
using AzureIaaS.Imports;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Processes;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;
using AzureIaaS.Store;

namespace AzureIaaS.Local.Tests.Support;

/// <summary>A fabric of a test's own. When it is disposed, nothing of it is left: no machine, no process, no file.</summary>
internal sealed class TestFabric : IDisposable
{
    private readonly HypervisorKind _hypervisor;

    public TestFabric(HypervisorKind hypervisor = HypervisorKind.Qemu, string? root = null)
    {
        Skip.If(hypervisor == HypervisorKind.Qemu && !HasQemu, "qemu-system-x86_64 is not installed");
        _hypervisor = hypervisor;
        Root = root ?? Path.Combine(Folder, "fabric");
        Session = Open();
    }

    public static bool HasQemu { get; } = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Any(f => File.Exists(Path.Combine(f, "qemu-system-x86_64")));

    /// <summary>A folder for the test's own files, beside the fabric's.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("azureiaas-").FullName;

    public string Root { get; }

    public FabricLayout Layout => new(Root);

    public IaaSSession Session { get; }

    public IVmProvider Provider => Session.Provider;

    public Notices Notices { get; } = new();

    public IaaSContext Context => new() { Name = "test", Path = Root, Hypervisor = _hypervisor };

    /// <summary>Another session over the same fabric, as another shell has it.</summary>
    public IaaSSession Open() => IaaSSession.Open(Context, new StoreAdapter(), new LocalAdapter());

    /// <summary>A session that starts background processes, as a shell's does.</summary>
    public IaaSSession OpenWithProcesses() => IaaSSession.Open(Context, new StoreAdapter(), new LocalAdapter(), Iaas.Background(this));

    /// <summary>Makes a boot-sector guest's disk.</summary>
    public string Guest(string name = "guest", BootSectorOptions? options = null, long length = BootSectorGuest.DefaultLength)
    {
        var path = Path.Combine(Folder, name + ".raw");
        BootSectorGuest.Create(path, options, length);
        return path;
    }

    /// <summary>Imports a boot-sector guest.</summary>
    public async Task<VirtualMachine> ImportAsync(string name = "guest", BootSectorOptions? options = null, long length = BootSectorGuest.DefaultLength)
    {
        var request = new ImportRequest { Path = Guest(name, options, length), Memory = 32 << 20 };
        return await Session.Imports.ImportAsync(request, Notices, CancellationToken.None);
    }

    public Task<VirtualMachine> StartAsync(VirtualMachine machine) => Provider.StartAsync(machine.Id, new StartOptions(), Notices, CancellationToken.None);

    public Task<VirtualMachine> StopAsync(VirtualMachine machine, bool force = false) =>
        Provider.StopAsync(machine.Id, new StopOptions { Force = force, Timeout = TimeSpan.FromSeconds(60) }, Notices, CancellationToken.None);

    public async Task<VirtualMachine> LookAsync(VirtualMachine machine) => (await Provider.FindAsync(machine.Id, CancellationToken.None))!;

    /// <summary>Waits for a line on the console.</summary>
    public async Task WaitForLineAsync(VirtualMachine machine, string pattern, int seconds = 120)
    {
        var options = new WaitOptions { For = WaitFor.Console, Pattern = new(pattern), Timeout = TimeSpan.FromSeconds(seconds) };
        var result = await Provider.WaitAsync(machine.Id, options, Notices, CancellationToken.None);
        var said = new List<string>();
        await foreach (var line in Provider.ReadConsoleAsync(machine.Id, 500, follow: false, CancellationToken.None))
            said.Add(line);
        Assert.True(result.Seen, $"{result.Evidence} ({result.Machine.State}: {result.Machine.StateReason}) It said: {string.Join(" / ", said.Where(l => !l.Contains("tick", StringComparison.Ordinal)).TakeLast(8))}");
    }

    /// <summary>Looks until the machine is in a state.</summary>
    public async Task<VirtualMachine> WaitForStateAsync(VirtualMachine machine, MachineState state)
    {
        var now = machine;
        await Until.HoldsAsync(async () => (now = await LookAsync(machine)).State == state, () => $"{now.Name} is {now.State} and not {state}: {now.StateReason}");
        return now;
    }

    public uint BootCount(VirtualMachine machine) => BootSectorGuest.ReadBootCount(Layout.Machine(machine.Id).Disk("disk0"));

    /// <summary>What is in a folder, which may not be there.</summary>
    public static IEnumerable<string> Entries(string folder) => Directory.Exists(folder) ? Directory.EnumerateFileSystemEntries(folder).Where(f => Path.GetFileName(f) != ".simulated") : [];

    /// <summary>The numbers of this fabric's QEMU processes.</summary>
    public List<int> QemuProcesses() => [.. Processes().Where(p => IsQemu(p.Line)).Select(p => p.Id)];

    /// <summary>The numbers of the processes that serve and copy the images of linked machines.</summary>
    public List<int> LinkProcesses() => [.. Processes().Where(p => p.Line.Contains("\0serve\0", StringComparison.Ordinal)).Select(p => p.Id)];

    public void Dispose()
    {
        Session.Dispose();
        EndProcesses();
        Directory.Delete(Folder, recursive: true);
    }

    /// <summary>
    /// Ends whoever starts machines before the machines: a watcher brings back the one that it sees killed. What was just being started is found by
    /// looking again, until nothing is found twice.
    /// </summary>
    private void EndProcesses()
    {
        var limit = Stopwatch.StartNew();
        for (var found = 2; found > 0; found--)
        {
            foreach (var (id, line) in Processes().OrderBy(p => IsQemu(p.Line)))
            {
                found = 3;
                if (limit.Elapsed > TimeSpan.FromMinutes(1))
                    throw new InvalidOperationException($"Process {id} of the test's fabric does not end, or is started again and again: {line.Replace('\0', ' ')}");
                if (ProcessTable.Find(id) is { } process)
                    ProcessTable.KillAsync(process, TimeSpan.FromSeconds(10)).GetAwaiter().GetResult();
            }
        }
    }

    private static bool IsQemu(string line) => line.Contains("qemu-system", StringComparison.Ordinal);

    /// <summary>Every process that was started for this fabric: by its command line, or by the configuration that it was given.</summary>
    private List<(int Id, string Line)> Processes()
    {
        var (found, configuration) = (new List<(int Id, string Line)>(), $"XDG_CONFIG_HOME={Folder}/");
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(folder), out var id) || id == Environment.ProcessId)
                continue;
            try
            {
                var line = File.ReadAllText(Path.Combine(folder, "cmdline"));
                if (line.Contains(Root, StringComparison.Ordinal) || File.ReadAllText(Path.Combine(folder, "environ")).Contains(configuration, StringComparison.Ordinal))
                    found.Add((id, line));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // It ended meanwhile, or is another user's.
            }
        }

        return found;
    }
}

/// <summary>Keeps what work in progress says.</summary>
internal sealed class Notices : IProgress<Notice>
{
    private readonly List<Notice> _all = [];

    public IReadOnlyList<string> Warnings => Of(NoticeKind.Warning);

    public IReadOnlyList<string> Details => Of(NoticeKind.Verbose);

    public void Report(Notice value)
    {
        lock (_all)
            _all.Add(value);
    }

    private List<string> Of(NoticeKind kind)
    {
        lock (_all)
            return [.. _all.Where(n => n.Kind == kind).Select(n => n.Text)];
    }
}
