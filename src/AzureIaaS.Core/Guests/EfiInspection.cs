using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests;

/// <summary>Which loaders lie on a machine's EFI system partitions: firmware variables, which say which of them to start, do not come along with a disk.</summary>
internal static class EfiInspection
{
    private const string Folder = "/EFI";

    /// <summary>Adds the loaders of every volume that could be such a partition.</summary>
    /// <param name="guest">What is known so far.</param>
    /// <param name="volumes">The volumes.</param>
    public static void Look(GuestInfo guest, IEnumerable<OpenedVolume> volumes)
    {
        foreach (var volume in volumes.Where(v => v.About.Content == "FAT" && v.Files is not null))
            GuestInspector.Try(guest, volume.About, () => Look(guest, volume.Files!));
    }

    private static void Look(GuestInfo guest, GuestFileSystem files)
    {
        foreach (var vendor in files.List(Folder))
        {
            // Windows keeps its own one folder further down.
            var folders = new[] { $"{Folder}/{vendor}", $"{Folder}/{vendor}/Boot" };
            foreach (var loader in folders.SelectMany(f => files.List(f).Where(n => n.EndsWith(".efi", StringComparison.OrdinalIgnoreCase)).Select(n => $"{f}/{n}")))
                guest.EfiLoaders.Add(loader);
            if (files.Open($"{Folder}/{vendor}/Boot/BCD") is { } store && BootsWithEms(store))
                guest.HasSerialConsole = true;
        }
    }

    /// <summary>Whether a store of Windows' boot configuration, which is a registry hive, turns on the console on the serial port (EMS) for a loader.</summary>
    /// <param name="store">The store.</param>
    public static bool BootsWithEms(GuestFile store) => (new Registry.RegistryHive(store).Key("Objects")?.Subkeys() ?? [])
        .Any(o => o.Subkeys().FirstOrDefault(k => k.Name == "Elements")?.Subkeys().FirstOrDefault(e => e.Name == "260000b0")?.Value("Element")?.Data is [1, ..]);
}
