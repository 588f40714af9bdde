using System.Runtime.InteropServices;

namespace AzureIaaS.Local.Fabric;

/// <summary>Folders that only the user can enter.</summary>
internal static partial class PrivateFolder
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
    private const UnixFileMode OthersWrite = UnixFileMode.GroupWrite | UnixFileMode.OtherWrite;

    /// <summary>Makes a folder with mode 0700, unless it is there.</summary>
    /// <param name="path">The folder.</param>
    public static void Create(string path)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }

        Directory.CreateDirectory(path, Private);
    }

    /// <summary>Refuses a folder in a place that everybody may write to, unless it is this user's own and nobody else's.</summary>
    /// <param name="path">The folder.</param>
    /// <exception cref="IaaSException">Others could have made it, or put things into it.</exception>
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public static void CheckOwn(string path)
    {
        var info = new DirectoryInfo(path);
        if (info.LinkTarget is not null || (File.GetUnixFileMode(path) & OthersWrite) != 0 || !IsOwn(path))
        {
            throw new IaaSException(ErrorKind.AccessDenied, "FolderNotPrivate", $"{path}: the folder is not this user's own, or others may write to it.",
                "Take the others' permission away (chmod go-w), remove the folder, or connect to a fabric elsewhere with Connect-IaaS -Local -Path.", path);
        }
    }

    /// <summary>Whether the folder is this user's. Root may do everything everywhere, so that only the owner's number tells.</summary>
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    private static bool IsOwn(string path)
    {
        if (!OperatingSystem.IsLinux())
            return utimensat(AtCurrentFolder, path, 0, 0) == 0 && access(path, 7) == 0;   // only an owner may set a folder's times
        Span<byte> status = stackalloc byte[256];
        return statx(AtCurrentFolder, path, NoFollow, AskUser, ref MemoryMarshal.GetReference(status)) == 0
            && BitConverter.ToUInt32(status[UserOffset..]) == geteuid();
    }

    private const int AtCurrentFolder = -100;
    private const int NoFollow = 0x100;
    private const uint AskUser = 8;
    private const int UserOffset = 20;

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int folder, string path, int flags, uint mask, ref byte status);

    [LibraryImport("libc")]
    private static partial uint geteuid();

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int utimensat(int folder, string path, nint times, int flags);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int access(string path, int mode);
}
