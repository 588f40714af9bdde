using System.Net;
using AzureIaaS.Disks;
using AzureIaaS.Guests;
using AzureIaaS.Networks;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Networking;

/// <summary>
/// The addresses that a guest gives itself, by its own configuration. A network gives it the same one: it would not ask for another, and from
/// another's nothing of it is carried.
/// </summary>
internal static class GuestAddresses
{
    /// <summary>The address that a machine is to have on a network by its guest's own configuration.</summary>
    /// <param name="machine">The machine, which does not run.</param>
    /// <param name="network">The network.</param>
    /// <param name="members">Who is on it.</param>
    /// <param name="notices">Receives what will not work as it is.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The address; null where it has none there, or another machine has it.</returns>
    public static string? Choose(VirtualMachine machine, VirtualNetwork network, IReadOnlyList<NetworkMember> members, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var own = Inspect(machine, notices, cancellation).Select(a => a.Address).Where(a => IPAddress.TryParse(a, out _)).Distinct().ToList();
        var pool = new AddressPool(network.Subnet);
        var here = own.Where(a => pool.Subnet.Contains(IPAddress.Parse(a))).ToList();
        foreach (var address in here)
        {
            if (members.FirstOrDefault(m => m.Address == address) is { } owner && owner.Vm != machine.Id)
                notices.Report(Notice.Warning($"{machine.Name}: its guest gives itself the address {address}, which is {owner.HostName}'s on network '{network.Name}'. It gets another one, and must be told to ask for it (DHCP)."));
            else if (!pool.IsForMachines(IPAddress.Parse(address)))
                notices.Report(Notice.Warning($"{machine.Name}: its guest gives itself the address {address}, which network '{network.Name}' keeps for itself. It gets another one, and must be told to ask for it (DHCP)."));
            else
                return address;
        }

        if (own.Count > 0 && here.Count == 0)
            notices.Report(Notice.Warning($"{machine.Name}: its guest gives itself {string.Join(", ", own)}, which is not on network '{network.Name}' ({network.Subnet}). It must be told to ask for its address (DHCP)."));
        return null;
    }

    private static IList<StaticAddress> Inspect(VirtualMachine machine, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var disks = new List<DiskImage>();
        try
        {
            // An overlay refers to its parent, which lies beside it.
            foreach (var disk in machine.Disks.Where(d => File.Exists(d.Path)))
                disks.Add(DiskFormat.OpenImage(disk.Path, new DiskOpenOptions { Format = disk.Format, Root = Path.GetDirectoryName(disk.Path) }));
            return disks.Count == 0 ? [] : GuestInspector.Inspect(disks, cancellation).StaticAddresses;
        }
        catch (Exception e) when (e is IaaSException or IOException or UnauthorizedAccessException)
        {
            notices.Report(Notice.Verbose($"{machine.Name}: which addresses its guest gives itself could not be seen: {e.Message}"));
            return [];
        }
        finally
        {
            foreach (var disk in disks)
                disk.Dispose();
        }
    }
}
