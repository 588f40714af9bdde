using AzureIaaS.Guests.Testing;
using AzureIaaS.Imports;
using AzureIaaS.Local.Machines;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Tests.Support;

/// <summary>Machines of a test's fabric that run a real Linux, and commands typed on their consoles.</summary>
internal static class LinuxMachines
{
    /// <summary>Imports a Linux guest; skips where it cannot be built.</summary>
    public static async Task<VirtualMachine> ImportLinuxAsync(this TestFabric fabric, string name)
    {
        var path = Path.Combine(fabric.Folder, name + ".raw");
        try
        {
            await LinuxGuest.CreateAsync(path, LinuxGuestKind.Bios);
        }
        catch (GuestBuildException e)
        {
            Skip.If(true, e.Message);
        }

        var machine = await fabric.Session.Imports.ImportAsync(new ImportRequest { Path = path, Memory = 128 << 20, SkipDigest = true }, fabric.Notices, CancellationToken.None);
        File.Delete(path);

        // The kernel has no driver for the adapter that every old system has.
        var stored = fabric.Session.Store.Machines.Find(machine.Id)!;
        stored.Machine.NetworkAdapters[0].Model = "virtio-net-pci";
        return fabric.Session.Store.Machines.Update(stored).Machine;
    }

    /// <summary>Makes a network.</summary>
    public static VirtualNetwork AddNetwork(this TestFabric fabric, string name, string subnet, bool isolated = true, params string[] peers) => fabric.Networks()
        .AddNetwork(new VirtualNetwork { Name = name, Subnet = subnet, DnsSuffix = name + ".example", Isolated = isolated, Peers = [.. peers] });

    public static IFabricNetworks Networks(this TestFabric fabric) => (IFabricNetworks)fabric.Provider;

    public static Task<VirtualMachine> JoinAsync(this TestFabric fabric, VirtualMachine machine, VirtualNetwork network, string? address = null) =>
        fabric.Networks().JoinAsync(machine.Id, network.Id, new JoinOptions { IPAddress = address }, fabric.Notices, CancellationToken.None);

    /// <summary>Waits until the guest says that it has its address.</summary>
    public static Task WaitForAddressAsync(this TestFabric fabric, VirtualMachine machine) =>
        fabric.WaitForLineAsync(machine, $"^guest: address {machine.IPAddress!.Replace(".", "\\.", StringComparison.Ordinal)}", seconds: 120);

    /// <summary>Pings from a guest until every packet of two is answered.</summary>
    public static Task ReachesAsync(this TestFabric fabric, VirtualMachine from, string? to) => PingsAsync(fabric, from, $"ping -c 2 -w 10 {to}", " 0% packet loss");

    /// <summary>Pings from a guest until none of two is answered.</summary>
    public static Task DoesNotReachAsync(this TestFabric fabric, VirtualMachine from, string? to) => PingsAsync(fabric, from, $"ping -c 2 -w 3 {to}", "100% packet loss");

    private static async Task PingsAsync(TestFabric fabric, VirtualMachine from, string command, string result)
    {
        var said = "";
        await Until.HoldsAsync(async () => (said = await fabric.TypeAsync(from, command)).Contains(result, StringComparison.Ordinal), () => $"{from.Name}: {command}: {said}");
    }

    /// <summary>Types a command on a machine's console, and waits for its end.</summary>
    /// <returns>What it has written.</returns>
    public static async Task<string> TypeAsync(this TestFabric fabric, VirtualMachine machine, string command, int seconds = 120)
    {
        var notes = MachineNotes.Of(fabric.Session.Store.Machines.Find(machine.Id)!);
        return await LinuxConsole.TypeAsync(fabric.Layout.Machine(machine.Id, notes.Slot).ConsoleSocket, command, TimeSpan.FromSeconds(seconds));
    }
}
