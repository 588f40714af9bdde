using System.Net.Sockets;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Machines;
using AzureIaaS.Local.Processes;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Imports;

/// <summary>Sees to it that the images of linked machines are served and copied, and says how far that is.</summary>
internal sealed class LinkKeeper(LocalServices services, WatcherCommand? command)
{
    private static readonly TimeSpan ServedWithin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(20);

    /// <summary>The lock that says who serves and copies the images of a machine.</summary>
    /// <param name="vm">The machine's id.</param>
    public static string LockName(Guid vm) => $"link-{vm:N}";

    /// <summary>Whether a machine needs the images it was imported from, or its copies of them are not yet whole.</summary>
    /// <param name="machine">The machine.</param>
    public static bool IsLinked(VirtualMachine machine) => machine.Disks.Any(d => d.Link is not null);

    /// <summary>Refuses what can only be done with disks of a machine's own.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="problem">What cannot be done.</param>
    public static void CheckFlat(VirtualMachine machine, string problem)
    {
        if (IsLinked(machine))
        {
            throw new IaaSException(ErrorKind.InvalidState, "VmIsLinked", $"{machine.Name} is linked to the image it was imported from, so {problem} yet.",
                "Wait-IaaSVm -For Flattened waits until it has been copied.", machine.Name);
        }
    }

    /// <summary>The error for a machine whose image is not to be had.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="trouble">What is wrong with the image.</param>
    public static IaaSException Lost(VirtualMachine machine, string trouble) => new(ErrorKind.NotFound, "LinkedImageLost",
        $"{machine.Name} runs on an image that cannot be read: {trouble}", "Put the image back as it was; its copy then goes on by itself. If it is lost for good, remove the machine and import it from elsewhere.", machine.Name);

    /// <summary>Starts what serves and copies the images of machines, where it does not run.</summary>
    /// <param name="machines">The machines.</param>
    /// <param name="notices">Receives why it could not be started.</param>
    public void Ensure(IEnumerable<VirtualMachine> machines, IProgress<Notice> notices)
    {
        foreach (var machine in machines.Where(IsLinked))
            Ensure(machine.Id, machine.Name, notices);
    }

    /// <summary>Returns when the images that layers lie on are served.</summary>
    /// <param name="machine">The machine that is to read them.</param>
    /// <param name="layers">The layers.</param>
    /// <param name="notices">Receives why they could not be served.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <exception cref="IaaSException">One is not to be had.</exception>
    public async Task RequireAsync(VirtualMachine machine, IEnumerable<DiskLayer> layers, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var sockets = layers.Where(l => l.IsServed).Select(l => l.File).Distinct().ToList();
        if (sockets.Count == 0 || !services.Hypervisor.ReadsDisks)
            return;
        var start = Environment.TickCount64;
        Ensure(OwnerOf(machine), machine.Name, notices);
        foreach (var socket in sockets)
        {
            while (!await AnswersAsync(socket, cancellation))
            {
                if (Environment.TickCount64 - start > ServedWithin.TotalMilliseconds)
                {
                    throw new IaaSException(ErrorKind.Failed, "LinkNotServed", $"{machine.Name}: the image it is linked to is not served.",
                        $"{services.Layout.Link(OwnerOf(machine)).Log} may say why; Watch-IaaSFabric starts what serves it.", machine.Name);
                }

                await Task.Delay(AskEvery, cancellation);
            }
        }

        if (TroubleOf(machine) is { } trouble)
            throw Lost(machine, trouble);
    }

    /// <summary>Why an image that a machine needs cannot be read; null while it can.</summary>
    /// <param name="machine">The machine.</param>
    public string? TroubleOf(VirtualMachine machine)
    {
        if (machine.RehearsalOf is null && !IsLinked(machine))
            return null;
        var status = LinkStatus.Read(services.Layout.Link(OwnerOf(machine)).Status);
        return status.Problems.Where(p => machine.Disks.Any(d => d.Name == p.Key && d.Link is not { IsCopied: true })).Select(p => p.Value).FirstOrDefault();
    }

    /// <summary>Shows on a machine how far its copies are.</summary>
    /// <param name="machine">The machine.</param>
    public VirtualMachine Describe(VirtualMachine machine)
    {
        if (!IsLinked(machine))
            return machine;
        var status = LinkStatus.Read(services.Layout.Link(machine.Id).Status);
        foreach (var disk in machine.Disks.Where(d => d.Link is not null))
        {
            disk.Link!.CopiedLength = disk.Link.IsCopied ? disk.Length : status.Copied.GetValueOrDefault(disk.Name);
            disk.Link.Problem = status.Problems.GetValueOrDefault(disk.Name) ?? status.Failures.GetValueOrDefault(disk.Name);
        }

        machine.StateReason ??= machine.Disks.Select(d => d.Link?.Problem).FirstOrDefault(p => p is not null) is { } problem ? $"The image it is linked to is not copied: {problem}" : null;
        return machine;
    }

    private static Guid OwnerOf(VirtualMachine machine) => machine.RehearsalOf ?? machine.Id;

    private static async Task<bool> AnswersAsync(string socket, CancellationToken cancellation)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await probe.ConnectAsync(new UnixDomainSocketEndPoint(socket), cancellation);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private void Ensure(Guid vm, string name, IProgress<Notice> notices)
    {
        if (command?.LinkArguments is not { } arguments || Runs(vm))
            return;
        try
        {
            Launcher.Start(command.Program, arguments(vm), services.Layout.Root, services.Layout.Link(vm).Log, confinement: null);
        }
        catch (IaaSException e)
        {
            notices.Report(Notice.Warning($"{name}: what serves and copies the image it is linked to could not be started: {e.Message}"));
        }
    }

    private bool Runs(Guid vm)
    {
        using var free = services.Store.Locks.TryAcquire(LockName(vm));
        return free is null;
    }
}
