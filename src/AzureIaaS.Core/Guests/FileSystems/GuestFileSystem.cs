using System.Text;
using AzureIaaS.Guests.FileSystems.Ext;

namespace AzureIaaS.Guests.FileSystems;

/// <summary>A file system that is read to see what a guest is; nothing of it is trusted, and nothing is written.</summary>
internal abstract class GuestFileSystem
{
    /// <summary>Longer than any file that inspection reads as a whole.</summary>
    public const int MaxFile = 32 << 20;

    // Longer than any text that a system is configured by; a list of modules has less than 1 MiB.
    private const int MaxText = 4 << 20;

    /// <summary>The volume's name; empty where it has none.</summary>
    public string Label { get; protected init; } = "";

    /// <summary>What fstab calls it by (UUID=…); empty where it has none or that was not read.</summary>
    public string Id { get; protected init; } = "";

    /// <summary>Whether it says of itself that it was not closed properly.</summary>
    public bool IsDirty { get; protected init; }

    /// <summary>What became of its log of changes.</summary>
    public LogState Log { get; protected init; }

    /// <summary>Why what is read may be older than what the guest wrote last, as half a sentence; null where it is not.</summary>
    public string? Stale { get; protected init; }

    /// <summary>How many of the devices that it lies on are not there.</summary>
    public int MissingDevices { get; protected init; }

    /// <summary>Opens a volume's file system; null where it is none that is read.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="kind">What the volume's signature says it is.</param>
    /// <param name="others">The machine's other volumes of that kind: a file system may lie on several.</param>
    /// <exception cref="FileSystemException">It is damaged, or uses what is not read.</exception>
    public static GuestFileSystem? Open(Volume volume, string? kind, params IReadOnlyList<Volume> others) => kind switch
    {
        "ext" => new ExtFileSystem(volume),
        "NTFS" => new Ntfs.NtfsFileSystem(volume),
        "FAT" => new FatFileSystem(volume),
        "XFS" => new Xfs.XfsFileSystem(volume),
        "Btrfs" => new Btrfs.BtrfsFileSystem(volume, others),
        _ => null,
    };

    /// <summary>Whether there is a file or folder of a path.</summary>
    /// <param name="path">The path, with <c>/</c> between names.</param>
    public abstract bool Exists(string path);

    /// <summary>Opens a file; null where there is none.</summary>
    /// <param name="path">The path.</param>
    /// <exception cref="FileSystemException">The file system is damaged, or uses what is not read.</exception>
    public abstract GuestFile? Open(string path);

    /// <summary>Lists the names in a folder; none where there is no such folder.</summary>
    /// <param name="path">The path.</param>
    public abstract IReadOnlyList<string> List(string path);

    /// <summary>Where a symbolic link leads, as it is written in it; null where there is no such link.</summary>
    /// <param name="path">The path, whose last name is not followed.</param>
    public virtual string? Target(string path) => null;

    /// <summary>Whether it lies on a volume, alone or with others.</summary>
    /// <param name="volume">The volume.</param>
    public virtual bool LiesOn(Volume volume) => false;

    /// <summary>The same file system with another of its subvolumes as root; null where it has none of that name.</summary>
    /// <param name="path">The subvolume's path from the topmost one.</param>
    public virtual GuestFileSystem? Subvolume(string path) => null;

    /// <summary>Reads a file; null where there is none.</summary>
    /// <param name="path">The path.</param>
    /// <exception cref="FileSystemException">It is damaged, or longer than <see cref="MaxFile"/>.</exception>
    public byte[]? Read(string path) => Open(path)?.ReadAll();

    /// <summary>Reads a text file; null where there is none.</summary>
    /// <param name="path">The path.</param>
    /// <exception cref="FileSystemException">It is damaged, or longer than texts are.</exception>
    public string? Text(string path)
    {
        if (Open(path) is not { } file)
            return null;
        return file.Length <= MaxText ? Encoding.UTF8.GetString(file.ReadAll()) : throw new FileSystemException($"{path} has {file.Length:N0} bytes, more than a text has");
    }
}
