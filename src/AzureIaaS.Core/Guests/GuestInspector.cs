using AzureIaaS.Disks;
using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests;

/// <summary>Looks into a machine's disks, in this process and without writing: volumes, operating system, drivers, agents, configuration.</summary>
public static class GuestInspector
{
    private const int HeadSize = 68 << 10;

    private static readonly string[] NotForSystems = ["FAT", "exFAT", "swap"];

    /// <summary>Inspects a machine's disks.</summary>
    /// <param name="disks">The disks, the one to boot from first.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="DiskImageException">An image is damaged where it was looked at.</exception>
    public static GuestInfo Inspect(IReadOnlyList<DiskImage> disks, CancellationToken cancellation)
    {
        var guest = new GuestInfo();
        for (var i = 0; i < disks.Count; i++)
        {
            var disk = disks[i];
            var table = PartitionTable.Read(disk.Length, [disk.LogicalSectorSize], disk.Read);
            var parts = table.Partitions.Count > 0
                ? table.Partitions.Where(p => p.End <= disk.Length && p.Length > 0).Select(p => (p.Number, p.Start, p.Length))
                : [(Number: 0, Start: 0L, disk.Length)];
            foreach (var (number, start, length) in parts)
            {
                cancellation.ThrowIfCancellationRequested();
                Look(guest, i, number, length, (offset, buffer) => disk.Read(start + offset, buffer));
            }
        }

        if (guest.Family == GuestFamily.Unknown && guest.Volumes.Any(v => v.Content == "NTFS"))
            guest.Family = GuestFamily.Windows;
        return guest;
    }

    private static void Look(GuestInfo guest, int disk, int partition, long length, DiskReader read)
    {
        var head = new byte[(int)Math.Min(HeadSize, length)];
        read(0, head);
        var content = FileSystemSignature.Recognise(head);
        guest.Volumes.Add(new GuestVolume { Disk = disk, Partition = partition, Length = length, Content = content });
        if (disk == 0 && content == "swap")
            guest.HasSwapOnOsDisk = true;
        try
        {
            if (GuestFileSystem.Open(length, read, content) is { } files)
                LinuxInspection.Look(guest, files);
            else if (content is not null && !NotForSystems.Contains(content))
                guest.Unread.Add($"partition {partition} of disk {disk} holds {content}, which is not read");
        }
        catch (FileSystemException e)
        {
            guest.Unread.Add($"the file system on partition {partition} of disk {disk} cannot be read: {e.Message}");
        }
    }
}
