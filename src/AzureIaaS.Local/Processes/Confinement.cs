using System.Runtime.InteropServices;

namespace AzureIaaS.Local.Processes;

/// <summary>
/// What a process may touch: the kernel's Landlock rules for files, TCP and signals, no new privileges, and no capability even for root.
/// All of it belongs to a thread and is inherited by what that thread starts, so a thread of ours takes it upon itself, starts the process,
/// and ends. Where the kernel has no Landlock, the rest still holds, and QEMU's own system-call filter besides.
/// </summary>
/// <param name="ReadOnly">Files and folders it may read and execute.</param>
/// <param name="ReadWrite">Files and folders it may read, write, make and delete in.</param>
internal sealed partial record Confinement(IReadOnlyList<string> ReadOnly, IReadOnlyList<string> ReadWrite)
{
    private const int CreateRuleset = 444;
    private const int AddRule = 445;
    private const int RestrictSelf = 446;
    private const int NoNewPrivileges = 38;
    private const int DropCapability = 24;
    private const int LastCapability = 63;
    private const int PathBeneath = 1;
    private const int OpenPath = 0x200000 | 0x80000;   // O_PATH | O_CLOEXEC

    private const ulong FileRights = 0x1 | 0x2 | 0x4 | (1 << 14) | (1 << 15);   // execute, write, read, truncate, device ioctl
    private const ulong Execute = 0x1;
    private const ulong ReadFile = 0x4;
    private const ulong ReadFolder = 0x8;

    /// <summary>The newest Landlock that the kernel offers; 0 for none.</summary>
    public static int LandlockVersion { get; } = OperatingSystem.IsLinux() ? (int)Math.Max(0, SystemCall(CreateRuleset, 0, 0, 1, 0)) : 0;

    /// <summary>Takes the confinement upon the calling thread, for good. Calls nothing but the kernel, so that it needs no file afterwards.</summary>
    /// <returns>0, or the negative number of the step that failed; a thread that failed must start nothing.</returns>
    public int ApplyToThread()
    {
        if (Control(NoNewPrivileges, 1, 0, 0, 0) != 0)
            return -1;
        var ruleset = -1;
        if (LandlockVersion > 0 && (ruleset = MakeRuleset()) < 0)
            return -2;
        for (var capability = 0; capability <= LastCapability; capability++)
            _ = Control(DropCapability, (nuint)capability, 0, 0, 0);   // fails for those the kernel or the user has not
        if (ruleset < 0)
            return 0;
        var result = SystemCall(RestrictSelf, ruleset, 0, 0, 0);
        _ = Close(ruleset);
        return result == 0 ? 0 : -3;
    }

    private static ulong AllFileSystemRights => LandlockVersion switch
    {
        >= 5 => (1UL << 16) - 1,
        >= 3 => (1UL << 15) - 1,
        2 => (1UL << 14) - 1,
        _ => (1UL << 13) - 1,
    };

    private unsafe int MakeRuleset()
    {
        var attribute = stackalloc ulong[3];
        attribute[0] = AllFileSystemRights;
        attribute[1] = LandlockVersion >= 4 ? 3UL : 0;   // binding and connecting TCP: allowed nowhere
        attribute[2] = LandlockVersion >= 6 ? 3UL : 0;   // abstract sockets and signals: only among themselves
        var size = LandlockVersion >= 6 ? 24 : LandlockVersion >= 4 ? 16 : 8;
        var ruleset = (int)SystemCall(CreateRuleset, (nint)attribute, size, 0, 0);
        if (ruleset < 0)
            return -1;
        foreach (var path in ReadOnly)
            Allow(ruleset, path, Execute | ReadFile | ReadFolder);
        foreach (var path in ReadWrite)
            Allow(ruleset, path, AllFileSystemRights);
        return ruleset;
    }

    /// <summary>A path that is not there needs no rule: there is nothing to be allowed.</summary>
    private static unsafe void Allow(int ruleset, string path, ulong rights)
    {
        var file = Open(path, OpenPath);
        if (file < 0)
            return;
        var isFolder = Directory.Exists(path);
        var attribute = stackalloc byte[12];
        *(ulong*)attribute = rights & AllFileSystemRights & (isFolder ? ulong.MaxValue : FileRights);
        *(int*)(attribute + 8) = file;
        _ = SystemCall(AddRule, ruleset, PathBeneath, (nint)attribute, 0);
        _ = Close(file);
    }

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint SystemCall(nint number, nint a, nint b, nint c, nint d);

    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int Control(int option, nuint a, nuint b, nuint c, nuint d);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int file);
}
