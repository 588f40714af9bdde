using System.Runtime.InteropServices;
using System.Text;

namespace AzureIaaS.Local.Processes;

/// <summary>
/// Starts a process that outlives the shell: in a session of its own, so that Ctrl+C does not reach it, with no inherited descriptor, so that
/// nobody waits for the end of a pipe it holds, with its output in a log, and confined. The process is this one's child while both live.
/// </summary>
internal sealed unsafe partial class Launcher
{
    private const short NewSession = 0x80;
    private const short DefaultSignals = 0x04;
    private const short NoSignalMask = 0x08;
    private const int OpenLog = 0x1 | 0x40 | 0x400;   // O_WRONLY | O_CREAT | O_APPEND
    private const int StructureSize = 1024;   // more than any libc's spawn structures and signal sets need

    private readonly string _program;
    private readonly IReadOnlyList<string> _arguments;
    private readonly string _folder;
    private readonly string _log;
    private readonly Confinement? _confinement;
    private int _processId;
    private int _error;

    private Launcher(string program, IReadOnlyList<string> arguments, string folder, string log, Confinement? confinement)
    {
        _program = program;
        _arguments = arguments;
        _folder = folder;
        _log = log;
        _confinement = confinement;
    }

    /// <summary>Starts a program.</summary>
    /// <param name="program">Its full path.</param>
    /// <param name="arguments">Its arguments, without its own name.</param>
    /// <param name="folder">The folder it starts in, and puts temporary files into.</param>
    /// <param name="log">The file that its output is added to.</param>
    /// <param name="confinement">What it may touch; null for a program of our own, which may do what we may.</param>
    /// <returns>The process's number.</returns>
    /// <exception cref="IaaSException">It could not be started.</exception>
    public static int Start(string program, IReadOnlyList<string> arguments, string folder, string log, Confinement? confinement)
    {
        var launcher = new Launcher(program, arguments, folder, log, confinement);
        // Once with a program that is not there: everything the confined thread will call is then compiled and loaded.
        launcher.Spawn("/nonexistent/azureiaas");
        launcher._error = 0;
        var thread = new Thread(launcher.ConfineAndSpawn, 256 << 10) { IsBackground = true, Name = "launcher" };
        thread.Start();
        thread.Join();
        if (launcher._error != 0)
            throw Failed(program, launcher._error);
        if (ProcessTable.StartTimeOf(launcher._processId) is { } startTime)
            LaunchedProcesses.Add(launcher._processId, startTime);
        return launcher._processId;
    }

    private void ConfineAndSpawn()
    {
        _error = _confinement?.ApplyToThread() ?? 0;
        if (_error == 0)
            Spawn(_program);
    }

    private void Spawn(string program)
    {
        var attributes = Zeroed();
        var actions = Zeroed();
        var signals = Zeroed();
        var strings = new List<nint>();
        try
        {
            _ = posix_spawnattr_init(attributes);
            _ = posix_spawnattr_setflags(attributes, NewSession | DefaultSignals | NoSignalMask);
            _ = sigemptyset(signals);
            _ = posix_spawnattr_setsigmask(attributes, signals);
            _ = sigfillset(signals);
            _ = posix_spawnattr_setsigdefault(attributes, signals);
            _ = posix_spawn_file_actions_init(actions);
            _ = posix_spawn_file_actions_addchdir_np(actions, _folder);
            _ = posix_spawn_file_actions_addopen(actions, 0, "/dev/null", 0, 0);
            _ = posix_spawn_file_actions_addopen(actions, 1, _log, OpenLog, 0x180);
            _ = posix_spawn_file_actions_adddup2(actions, 1, 2);
            CloseInherited(actions);
            var argv = Strings([program, .. _arguments], strings);
            var environment = Strings(_confinement is null ? Environment() : ["PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "TMPDIR=" + _folder], strings);
            _error = posix_spawn(out _processId, program, actions, attributes, argv, environment);
        }
        finally
        {
            _ = posix_spawn_file_actions_destroy(actions);
            _ = posix_spawnattr_destroy(attributes);
            foreach (var pointer in strings)
                Marshal.FreeHGlobal(pointer);
            NativeMemory.Free(attributes);
            NativeMemory.Free(actions);
            NativeMemory.Free(signals);
        }
    }

    /// <summary>.NET's own descriptors close themselves; what the shell was given by its own parent does not.</summary>
    private static void CloseInherited(void* actions)
    {
        try
        {
            _ = posix_spawn_file_actions_addclosefrom_np(actions, 3);
        }
        catch (EntryPointNotFoundException)
        {
            foreach (var entry in Directory.EnumerateFileSystemEntries("/proc/self/fd"))
            {
                if (int.TryParse(Path.GetFileName(entry), out var descriptor) && descriptor > 2)
                    _ = posix_spawn_file_actions_addclose(actions, descriptor);
            }
        }
    }

    private static string[] Environment() =>
        [.. System.Environment.GetEnvironmentVariables().Cast<System.Collections.DictionaryEntry>().Select(v => $"{v.Key}={v.Value}")];

    private static void* Zeroed() => NativeMemory.AllocZeroed(StructureSize);

    private static nint Strings(string[] values, List<nint> allocated)
    {
        var array = Marshal.AllocHGlobal((values.Length + 1) * nint.Size);
        allocated.Add(array);
        for (var i = 0; i < values.Length; i++)
        {
            var bytes = Encoding.UTF8.GetBytes(values[i] + '\0');
            var text = Marshal.AllocHGlobal(bytes.Length);
            allocated.Add(text);
            Marshal.Copy(bytes, 0, text, bytes.Length);
            Marshal.WriteIntPtr(array, i * nint.Size, text);
        }

        Marshal.WriteIntPtr(array, values.Length * nint.Size, 0);
        return array;
    }

    private static IaaSException Failed(string program, int error) => error < 0
        ? new IaaSException(ErrorKind.Failed, "ConfinementFailed", $"{program} was not started, because its confinement could not be set up (step {-error}).",
            "Check the kernel's security settings (Landlock, no_new_privs) with the system's administrator.", program)
        : new IaaSException(ErrorKind.Failed, "LaunchFailed", $"{program} could not be started: {Marshal.GetPInvokeErrorMessage(error)}.",
            "Check that the program and the fabric's folder can be read and executed by this user.", program);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn(out int process, string program, void* actions, void* attributes, nint arguments, nint environment);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigmask(void* attributes, void* signals);

    [LibraryImport("libc")]
    private static partial int posix_spawnattr_setsigdefault(void* attributes, void* signals);

    [LibraryImport("libc")]
    private static partial int sigemptyset(void* signals);

    [LibraryImport("libc")]
    private static partial int sigfillset(void* signals);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn_file_actions_addchdir_np(void* actions, string folder);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn_file_actions_addopen(void* actions, int descriptor, string path, int flags, uint mode);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_adddup2(void* actions, int from, int to);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_addclose(void* actions, int descriptor);

    [LibraryImport("libc")]
    private static partial int posix_spawn_file_actions_addclosefrom_np(void* actions, int from);
}
