using AzureIaaS.Disks;
using AzureIaaS.Guests.FileSystems;
using AzureIaaS.Guests.Lvm;

namespace AzureIaaS.Guests;

/// <summary>Looks into a machine's disks, in this process and without writing: volumes, operating system, drivers, agents, configuration.</summary>
public static class GuestInspector
{
    private const int HeadSize = 68 << 10;

    private static readonly string[] NotForSystems = ["exFAT", "swap", "LVM"];

    // Where Windows keeps its database of dynamic volumes, and their data: on MBR and on GPT.
    private static readonly string[] DynamicTypes = ["42", "5808c8aa-7e8f-42e0-85d2-e1e90434cfb3", "af9b60a0-1431-4f62-bc68-3311714a69ad"];

    /// <summary>Inspects a machine's disks.</summary>
    /// <param name="disks">The disks, the one to boot from first.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="DiskImageException">An image is damaged where it was looked at.</exception>
    public static GuestInfo Inspect(IReadOnlyList<DiskImage> disks, CancellationToken cancellation)
    {
        var guest = new GuestInfo();
        var volumes = new List<OpenedVolume>();
        for (var i = 0; i < disks.Count; i++)
            AddPartitions(guest, volumes, disks[i], i);
        foreach (var volume in volumes)
            volume.About.Content = Recognise(volume.Volume);
        LogicalVolumes.Add(guest, volumes);
        foreach (var volume in volumes.Where(v => v.About.LogicalVolume is not null))
            Try(guest, volume.About, () => volume.About.Content = Recognise(volume.Volume));
        foreach (var volume in volumes)
        {
            cancellation.ThrowIfCancellationRequested();
            Open(guest, volume, volumes);
        }

        cancellation.ThrowIfCancellationRequested();
        EfiInspection.Look(guest, volumes);
        LinuxInspection.Look(guest, volumes);
        foreach (var volume in volumes.Where(v => v.About.Content == "NTFS" && v.Files is not null))
            Try(guest, volume.About, () => WindowsInspection.Look(guest, volume.Files!));
        if (guest.Family == GuestFamily.Unknown && guest.Volumes.Any(v => v.Content == "NTFS"))
            guest.Family = GuestFamily.Windows;
        return guest;
    }

    /// <summary>Looks at a volume; what is wrong with it is remembered, and the rest is looked at all the same.</summary>
    /// <param name="guest">What is known so far.</param>
    /// <param name="about">The volume.</param>
    /// <param name="look">What looks at it.</param>
    internal static void Try(GuestInfo guest, GuestVolume about, Action look)
    {
        try
        {
            look();
        }
        catch (FileSystemException e)
        {
            guest.Unread.Add($"the file system on {about.Place} cannot be read: {e.Message}");
        }
    }

    private static void AddPartitions(GuestInfo guest, List<OpenedVolume> volumes, DiskImage disk, int index)
    {
        var table = PartitionTable.Read(disk.Length, [disk.LogicalSectorSize], disk.Read);
        if (table.Partitions.Any(p => DynamicTypes.Contains(p.Type)))
            guest.DynamicDisks.Add(index);
        var parts = table.Partitions.Count > 0
            ? table.Partitions.Where(p => p.End <= disk.Length && p.Length > 0)
            : [new Partition(0, 0, disk.Length, "", null, false)];
        foreach (var part in parts)
        {
            var about = new GuestVolume { Disk = index, Partition = part.Number, Length = part.Length, PartitionId = part.Id, PartitionName = part.Name };
            volumes.Add(new OpenedVolume(about, new Volume(part.Length, (offset, buffer) => disk.Read(part.Start + offset, buffer))));
            guest.Volumes.Add(about);
        }
    }

    private static string? Recognise(Volume volume) => FileSystemSignature.Recognise(volume.Bytes(0, (int)Math.Min(HeadSize, volume.Length)));

    private static void Open(GuestInfo guest, OpenedVolume volume, List<OpenedVolume> volumes)
    {
        var about = volume.About;
        if (about.Disk == 0 && about.Content == "swap")
            guest.HasSwapOnOsDisk = true;
        if (volumes.Exists(v => v.Files?.LiesOn(volume.Volume) == true))
            return;
        Try(guest, about, () =>
        {
            volume.Files = GuestFileSystem.Open(volume.Volume, about.Content, [.. volumes.Where(v => v != volume && v.About.Content == about.Content).Select(v => v.Volume)]);
            if (volume.Files is { } files)
                (about.Label, about.IsDirty, about.Log, about.Stale, about.MissingDevices) = (files.Label.Length > 0 ? files.Label : null, files.IsDirty, files.Log, files.Stale, files.MissingDevices);
            else if (about.Content is not null && !NotForSystems.Contains(about.Content))
                guest.Unread.Add($"{about.Place} holds {about.Content}, which is not read");
        });
    }
}
