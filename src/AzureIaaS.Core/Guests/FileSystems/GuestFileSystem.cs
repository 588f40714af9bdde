namespace AzureIaaS.Guests.FileSystems;

/// <summary>A file system that is read to see what a guest is; nothing of it is trusted, and nothing is written.</summary>
internal abstract class GuestFileSystem
{
    /// <summary>Longer than any file that inspection reads.</summary>
    public const int MaxFile = 32 << 20;

    /// <summary>Opens a volume's file system; null where it is none that is read.</summary>
    /// <param name="length">The volume's length in bytes.</param>
    /// <param name="read">Reads from the volume.</param>
    /// <param name="kind">What the volume's signature says it is.</param>
    /// <exception cref="FileSystemException">It is damaged, or uses what is not read.</exception>
    public static GuestFileSystem? Open(long length, DiskReader read, string? kind) => kind == "ext" ? new ExtFileSystem(length, read) : null;

    /// <summary>Whether there is a file or folder of a path.</summary>
    /// <param name="path">The path, with <c>/</c> between names.</param>
    public abstract bool Exists(string path);

    /// <summary>Reads a file; null where there is none.</summary>
    /// <param name="path">The path.</param>
    /// <exception cref="FileSystemException">It is damaged, or longer than <see cref="MaxFile"/>.</exception>
    public abstract byte[]? Read(string path);

    /// <summary>Lists the names in a folder; none where there is no such folder.</summary>
    /// <param name="path">The path.</param>
    public abstract IReadOnlyList<string> List(string path);

    /// <summary>Reads a text file; null where there is none.</summary>
    /// <param name="path">The path.</param>
    public string? Text(string path) => Read(path) is { } bytes ? System.Text.Encoding.UTF8.GetString(bytes) : null;
}

/// <summary>A guest's file system that cannot be read, with what is wrong as half a sentence.</summary>
/// <param name="message">What is wrong.</param>
internal sealed class FileSystemException(string message) : Exception(message);
