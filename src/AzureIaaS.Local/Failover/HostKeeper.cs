using System.Collections.Concurrent;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Failover;

/// <summary>The fabric's hosts: added, emptied, lost, brought back.</summary>
internal sealed class HostKeeper(LocalServices services, MachineMover mover) : IHostProvider
{
    private const int AtOnce = 8;

    public IReadOnlyList<FabricHost> ListHosts()
    {
        var machines = services.Store.Machines.List().Select(m => m.Machine).Where(m => m.Host is not null).ToLookup(m => m.Host!, StringComparer.OrdinalIgnoreCase);
        return [.. services.Store.Hosts.List().Select(h => With(h, machines[h.Name]))];
    }

    public FabricHost? FindHost(string name) =>
        services.Store.Hosts.Find(name) is { } host ? With(host, services.Store.Machines.ListOn(name).Select(m => m.Machine)) : null;

    public FabricHost AddHost(FabricHost host)
    {
        if (MachineName.Problem(host.Name) is { } problem)
            throw Invalid("InvalidHostName", $"A host cannot be called '{host.Name}': {problem}.", "Give another name.", host.Name);
        if (host.Cpu is < 1 or > 10_000)
            throw Invalid("InvalidCpuCount", $"{host.Name}: a host cannot have {host.Cpu} processors.", "Give a number from 1 to 10000 with -Cpu.", host.Name);
        if (host.Memory is < (1L << 20) or > (1L << 50))
            throw Invalid("InvalidMemorySize", $"{host.Name}: a host cannot have {host.Memory:N0} bytes of memory.", "Give bytes, with a unit: -Memory 64GB.", host.Name);
        if (host.FaultDomain is < 0 or > 999 || host.UpdateDomain is < 0 or > 999)
            throw Invalid("InvalidDomain", $"{host.Name}: domains are numbers from 0 to 999.", "Give such numbers with -FaultDomain and -UpdateDomain.", host.Name);
        services.Store.Hosts.Add(host);
        services.Places.Forget();
        return host;
    }

    public void RemoveHost(string name)
    {
        var host = Find(name);
        using var turn = services.Places.TakeTurnAsync(CancellationToken.None).GetAwaiter().GetResult();
        var holds = Listed(host.Name).Machines;
        if (holds.Count > 0)
        {
            throw new IaaSException(ErrorKind.InvalidState, "HostNotEmpty", $"{host.Name} holds {holds.Count} machines: {string.Join(", ", holds.Take(5))}{(holds.Count > 5 ? ", ..." : "")}.",
                "Empty it with Suspend-IaaSHost, or stop its machines, then remove it.", host.Name);
        }

        services.Store.Hosts.Remove(host.Name);
        services.Places.Forget();
    }

    public async Task<DrainResult> DrainHostAsync(string name, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var host = Find(name);
        if (host.State == HostState.Down)
            throw Invalid("HostIsDown", $"{host.Name} is down: nothing runs on it.", "Resume-IaaSHost brings it back.", host.Name);
        await SetStateAsync([host.Name], HostState.Draining, "It is being emptied for maintenance.");
        var (moved, stayed) = (new List<VirtualMachine>(), new List<(VirtualMachine, string)>());
        foreach (var machine in On(host.Name))
        {
            cancellation.ThrowIfCancellationRequested();
            try
            {
                moved.Add(await LeaveAsync(machine, notices, cancellation));
            }
            catch (IaaSException e)
            {
                notices.Report(Notice.Warning($"{machine.Name} stays on {host.Name}: {e.Message} {e.Remedy}"));
                stayed.Add((machine, e.Message));
            }
        }

        await SetStateAsync([host.Name], HostState.Draining, stayed.Count == 0 ? "It is empty, for maintenance." : $"It is being emptied; {stayed.Count} machines could not leave.");
        return new DrainResult(Listed(host.Name), moved, stayed);
    }

    public async Task<FabricHost> ResumeHostAsync(string name, bool bringBack, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var host = Find(name);
        await SetStateAsync([host.Name], HostState.Up, null);
        if (bringBack)
        {
            foreach (var machine in services.Store.Machines.List().Select(m => m.Machine).Where(m => IsNamed(m.PreferredHost, host.Name) && !IsNamed(m.Host, host.Name) && m.State == MachineState.Running))
            {
                cancellation.ThrowIfCancellationRequested();
                try
                {
                    await mover.MoveAsync(machine.Id, host.Name, MachineMover.DefaultLimit, notices, null, cancellation);
                }
                catch (IaaSException e)
                {
                    notices.Report(Notice.Warning($"{machine.Name} does not come back to {host.Name}: {e.Message}"));
                }
            }
        }

        services.Watcher.Ensure(notices);   // what waited for room has some now
        return Listed(host.Name);
    }

    public async Task<IReadOnlyList<FabricHost>> LoseHostsAsync(IReadOnlyList<string> names, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var lost = names.Select(n => Find(n).Name).Distinct(StringComparer.OrdinalIgnoreCase).ToList();
        await SetStateAsync(lost, HostState.Down, "It was lost.");
        var blocked = new ConcurrentBag<(string Host, string Machine)>();
        await Parallel.ForEachAsync(lost.SelectMany(h => On(h)), new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = cancellation }, async (machine, _) =>
        {
            var host = machine.Host!;
            try
            {
                await FenceAsync(machine.Id, host);
            }
            catch (IaaSException e)
            {
                blocked.Add((host, machine.Name));
                notices.Report(Notice.Warning($"{machine.Name}: {e.Message} {e.Remedy}"));
            }
        });
        foreach (var held in blocked.GroupBy(b => b.Host, b => b.Machine))
            await SetStateAsync([held.Key], HostState.Down, $"It was lost; {string.Join(", ", held.Order())} could not be seen gone, and will not be brought back before that.");
        services.Watcher.Ensure(notices);
        return [.. lost.Select(Listed)];
    }

    /// <summary>Kills a machine's process and sees it gone; only then may it run elsewhere.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="host">The host that is lost.</param>
    /// <exception cref="IaaSException">It could not be killed.</exception>
    public async Task FenceAsync(Guid id, string host)
    {
        using var owned = await services.Keeper.OwnAsync(id, CancellationToken.None);
        if (!IsNamed(owned.Machine.Host, host))
            return;   // it has left meanwhile
        await FenceAsync(owned, $"Its host {host} was lost.");
    }

    /// <summary>Kills the process of a machine that is owned, sees it gone, and notes that the machine has to be brought back elsewhere.</summary>
    /// <param name="owned">The machine.</param>
    /// <param name="reason">Why.</param>
    public async Task FenceAsync(OwnedMachine owned, string reason)
    {
        if (owned.Fact.Process is { } process && !await services.Hypervisor.KillAsync(owned.Files, process))
        {
            throw new IaaSException(ErrorKind.Failed, "CannotFence", $"The process {process.Id} of {owned.Machine.Name} was killed and does not go, so it must not be started elsewhere.",
                "It waits for the system, most often for a disk or share that does not answer; mend that, then try again.", owned.Machine.Name);
        }

        if (!owned.Machine.State.IsActive())
            return;
        var heal = new HealNote(reason, services.Time.GetUtcNow(), owned.Machine.Host, HostLost: true, owned.Machine.BootVerified);
        owned.Machine.Host = null;
        owned.Change(MachineState.Healing, reason, owned.Notes with { Process = null, Heal = heal, HealAttempts = 0 });
    }

    private async Task<VirtualMachine> LeaveAsync(VirtualMachine machine, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (machine.State != MachineState.Stopped)
            return await mover.MoveAsync(machine.Id, null, MachineMover.DefaultLimit, notices, null, cancellation);
        return await mover.MovePlaceAsync(machine.Id, null, cancellation);
    }

    private List<VirtualMachine> On(string host) =>
        [.. services.Store.Machines.ListOn(host).Select(m => m.Machine).OrderBy(m => m.StartOrder).ThenBy(m => m.Name, StringComparer.OrdinalIgnoreCase)];

    private FabricHost Find(string name) => services.Store.Hosts.Find(name)
        ?? throw new IaaSException(ErrorKind.NotFound, "HostNotFound", $"There is no host '{name}'.", "Get-IaaSHost shows those there are.", name);

    private FabricHost Listed(string name) => FindHost(name)!;

    private static FabricHost With(FabricHost host, IEnumerable<VirtualMachine> machines)
    {
        foreach (var machine in machines)
        {
            host.CpuUsed += machine.Cpu;
            host.MemoryUsed += machine.Memory;
            host.Machines.Add(machine.Name);
        }

        return host;
    }

    /// <summary>Between two places that are given away: whoever asks afterwards what is on the host finds all that ever will be.</summary>
    private async Task SetStateAsync(IReadOnlyList<string> names, HostState state, string? reason)
    {
        using var turn = await services.Places.TakeTurnAsync(CancellationToken.None);
        foreach (var name in names)
            services.Store.Hosts.SetState(name, state, reason);
        services.Places.Forget();
    }

    private static bool IsNamed(string? a, string b) => string.Equals(a, b, StringComparison.OrdinalIgnoreCase);

    private static IaaSException Invalid(string errorId, string message, string remedy, string target) => new(ErrorKind.InvalidArgument, errorId, message, remedy, target);
}
