using System.Text.Json;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Failover;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Azure.Networks;
using AzureIaaS.Azure.Upload;
using AzureIaaS.Imports;
using AzureIaaS.Providers;
using AzureIaaS.Readiness;

namespace AzureIaaS.Azure;

/// <summary>Machines in a resource group of Azure. This part imports; what runs them is in the other.</summary>
internal sealed partial class AzureProvider : IVmProvider, IConnectable, IMachineDirectory, IImportReviewer, IOrphanProvider, IStageAdopter
{
    private const string UploadFolder = "uploads";

    private readonly IStateStore _store;
    private readonly ArmConnection _connection;
    private readonly string _folder;
    private readonly ManagedDisks _disks;
    private readonly AzureNetworks _networks;
    private readonly AzureSites _sites;
    private readonly NetworkJoiner _joiner;
    private readonly MachineAdapters _adapters;
    private readonly PublishedPorts _ports;
    private readonly MachineDirectory _directory;
    private readonly MachineRunner _runner;
    private readonly MachineRemover _remover;
    private readonly GuestConsole _console;
    private readonly Orphans _orphans;
    private readonly Checkpoints _checkpoints;
    private readonly CheckpointCopies _copies;
    private readonly Rehearsals _rehearsals;
    private readonly ZoneFailover _zones;
    private readonly FailoverService _failovers;

    /// <summary>Opens a context.</summary>
    /// <param name="store">What this computer remembers.</param>
    /// <param name="connection">The way to Azure; closed with the provider.</param>
    /// <param name="folder">Where this computer keeps its notes.</param>
    public AzureProvider(IStateStore store, ArmConnection connection, string folder)
    {
        _store = store;
        _connection = connection;
        _folder = folder;
        _disks = new ManagedDisks(connection);
        var resources = new NetworkResources(connection);
        _networks = new AzureNetworks(connection, resources);
        _sites = new AzureSites(connection, resources, _networks);
        _adapters = new MachineAdapters(resources, _networks);
        _ports = new PublishedPorts(connection, resources);
        var snapshots = new Snapshots(connection);
        _directory = new MachineDirectory(connection, _disks, snapshots, store.Machines);
        _joiner = new NetworkJoiner(connection, _directory, _networks, _adapters, _ports);
        _runner = new MachineRunner(connection, _directory, _adapters, store.Machines);
        _remover = new MachineRemover(connection, _directory, _disks, snapshots, _adapters, _ports, store.Machines);
        _console = new GuestConsole(connection, _directory);
        _orphans = new Orphans(_disks, snapshots, _adapters, _ports, resources, _sites, _directory, store.Sagas, connection);
        var sets = new DiskSets(connection, _directory, _disks);
        _checkpoints = new Checkpoints(connection, _directory, _disks, snapshots, sets);
        _copies = new CheckpointCopies(connection, store, _directory, _checkpoints, snapshots);
        _rehearsals = new Rehearsals(connection, store, _disks, snapshots, _checkpoints, sets, _networks, resources, _adapters, _runner);
        _zones = new ZoneFailover(connection, store, _directory, _checkpoints, sets, _runner, _networks, _adapters, _ports);
        _failovers = new FailoverService(connection, store, _checkpoints, _rehearsals, _zones, this);
    }

    /// <summary>Takes what the user is to be told while signing in.</summary>
    public Action<IProgress<Notice>?> SignInNotices { get; init; } = _ => { };

    public string Name => "Azure";

    public async Task ConnectAsync(IProgress<Notice> notices, CancellationToken cancellation)
    {
        SignInNotices(notices);
        await new GroupKeeper(_connection).EnsureAsync(notices, cancellation);
    }

    // Azure has room; what limits an import is looked over by itself.
    public ImportPlace DescribePlace() => new($"{_connection.Scope.ResourceGroup} in {_connection.Scope.Location}", long.MaxValue, 0) { TakesPasses = true };

    public void Complete(VirtualMachine machine)
    {
        foreach (var disk in machine.Disks)
        {
            disk.Path = _connection.IdOf("Microsoft.Compute/disks", AzureNames.Disk(machine.Name, disk.Name)).ToString();
            disk.Format = "vhd";
            disk.Length = AzureRules.DiskLength(disk.Length);
            disk.Controller = DiskController.Unknown;   // Azure's own: SCSI, or NVMe where the size has it
        }

        if (machine.NetworkAdapters.Count == 0)
            machine.NetworkAdapters.Add(new NetworkAdapter { Name = "nic0" });
    }

    public async Task ReviewAsync(ImportPlan plan, CancellationToken cancellation)
    {
        var machine = plan.Machine;
        PlannedGuest.Review(plan, ReadinessTarget.Azure, cancellation);
        AzureRules.Check(plan);
        await _directory.FindVmAsync(machine, cancellation);
        foreach (var disk in machine.Disks)
        {
            if (await _disks.FindAsync(AzureNames.Disk(machine.Name, disk.Name), cancellation) is { } found)
                UploadStage.CheckOurs(found, null);
        }

        await _adapters.CheckFreeAsync(machine, cancellation);
        var sizes = new SizeCatalog(_connection);
        machine.Region = _connection.Scope.Location;
        var size = VmSize.Choose(await sizes.ListAsync(machine.Region, cancellation), machine, machine.Region);
        await sizes.CheckQuotaAsync(size, machine.Region, cancellation);
        (machine.Size, machine.Cpu, machine.Memory) = (size.Name, size.Cpu, size.Memory);
    }

    public IImportStage OpenStage(Guid operation, IProgress<Notice> notices)
    {
        var record = _store.Sagas.Find(operation)
            ?? throw new IaaSException(ErrorKind.NotFound, "OperationNotFound", $"There is no operation {operation}.", "Get-IaaSOperation shows those there are.", operation);
        return StageOf(JsonSerializer.Deserialize(record.Parameters, CoreJson.Default.ImportPlan)!, operation, notices);
    }

    public async Task DefineAsync(VirtualMachine machine, Guid operation, CancellationToken cancellation)
    {
        var record = _store.Sagas.Find(operation);
        var plan = record is null ? new ImportPlan() : JsonSerializer.Deserialize(record.Parameters, CoreJson.Default.ImportPlan)!;
        plan.Machine = machine;
        await StageOf(plan, operation, Quiet.Notices).PublishAsync(cancellation);
    }

    // What makes a machine of disks is a mark on one of them; the stage removes it with the disk.
    public Task UndefineAsync(Guid id) => Task.CompletedTask;

    public Task<DateTimeOffset?> FindStagedAsync(string name, CancellationToken cancellation) => new StagedImports(_disks).FindAsync(name, cancellation);

    public async Task<VirtualMachine> AdoptStagedAsync(string name, IProgress<Notice> notices, CancellationToken cancellation) =>
        await AfterAsync(await new StagedImports(_disks).AdoptAsync(name, notices, cancellation), cancellation);

    public Task<IReadOnlyList<Orphan>> ListOrphansAsync(CancellationToken cancellation) => _orphans.ListAsync(cancellation);

    public Task RemoveOrphanAsync(string id, IProgress<Notice> notices, CancellationToken cancellation) => _orphans.RemoveAsync(id, notices, cancellation);

    public void Dispose() => _connection.Dispose();

    private UploadStage StageOf(ImportPlan plan, Guid operation, IProgress<Notice> notices) =>
        new(_disks, (disk, lifetime) => BlobOf(disk, lifetime), plan, operation, _connection.Scope.Location, Path.Combine(_folder, UploadFolder, operation.ToString("N")), notices);

    private PageBlob BlobOf(global::Azure.ResourceManager.Compute.ManagedDiskResource disk, TimeSpan lifetime, bool write = true)
    {
        var access = new SasAccess((t, c) => _disks.GrantAsync(disk, write, t, c), lifetime, _connection.Time);
        return new PageBlob(disk.Id.Name, access, _connection.BlobPipeline, new ConcurrencyLimit(PageTarget.MostAtOnce, PageTarget.MostAtOnce), _connection.Time);
    }
}
