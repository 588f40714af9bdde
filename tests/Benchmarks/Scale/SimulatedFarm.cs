using AzureIaaS.Local.Fabric;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Benchmarks.Scale;

/// <summary>A large simulated fabric: hosts in fault domains, and machines in availability sets, written to the store without the work of importing each.</summary>
/// <param name="Hosts">How many hosts.</param>
/// <param name="Machines">How many machines.</param>
internal sealed record SimulatedFarm(int Hosts, int Machines)
{
    /// <summary>How many fault domains the hosts are in.</summary>
    public const int FaultDomains = 5;

    private const int UpdateDomains = 20;
    private const int CpusOfAHost = 32;
    private const long MemoryOfAHost = 64L << 30;
    private const long MemoryOfAMachine = 1L << 30;
    private const int MachinesOfASet = 20;
    private const long DiskLength = 64 << 10;
    private const int AtOnce = 8;

    /// <summary>Makes the hosts and the machines.</summary>
    /// <param name="session">The empty fabric.</param>
    public void Create(IaaSSession session)
    {
        var hosts = (IHostProvider)session.Provider;
        foreach (var first in hosts.ListHosts())
            hosts.RemoveHost(first.Name);
        for (var i = 0; i < Hosts; i++)
        {
            hosts.AddHost(new FabricHost
            {
                Name = $"h{i:000}", FaultDomain = i % FaultDomains, UpdateDomain = i % UpdateDomains, Cpu = CpusOfAHost, Memory = MemoryOfAHost,
            });
        }

        var layout = new FabricLayout(session.Context.Path);
        layout.Create();
        for (var i = 0; i < Machines; i++)
            Add(session, layout, i);
    }

    /// <summary>Starts every machine, several at once.</summary>
    /// <param name="session">The fabric.</param>
    public static async Task StartAsync(IaaSSession session)
    {
        var ids = session.Store.Machines.List().Select(m => m.Machine.Id).ToList();
        await Parallel.ForEachAsync(ids, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (id, cancellation) =>
            await session.Provider.StartAsync(id, new StartOptions(), Silence.Instance, cancellation));
    }

    private static void Add(IaaSSession session, FabricLayout layout, int number)
    {
        var machine = new VirtualMachine
        {
            Id = Guid.NewGuid(),
            Name = $"vm{number:00000}",
            State = MachineState.Deallocated,
            Cpu = 1,
            Memory = MemoryOfAMachine,
            AvailabilitySet = $"set{number / MachinesOfASet:000}",
            Created = TimeProvider.System.GetUtcNow(),
            Disks = [new VirtualDisk { Name = "disk0", Length = DiskLength, LogicalSectorSize = 512 }],
        };
        session.Provider.Complete(machine);
        var files = layout.Machine(machine.Id);
        Directory.CreateDirectory(files.Folder);
        using (var disk = File.OpenHandle(files.Disk("disk0"), FileMode.CreateNew, FileAccess.Write))
            RandomAccess.SetLength(disk, DiskLength);
        session.Store.Machines.Add(machine, "{}");
    }
}
