using System.Runtime.InteropServices;

namespace AzureIaaS.Local.Processes;

/// <summary>
/// The children of this process that it launched itself and has not buried. Those that <see cref="System.Diagnostics.Process"/> started, the
/// shell's own among them, are the runtime's to bury: it ends the whole process when another was faster.
/// </summary>
internal static partial class LaunchedProcesses
{
    private const int DoNotWait = 1;

    private static readonly Dictionary<int, long> StartTimes = [];

    /// <summary>Notes a child that was just launched.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="startTime">When it started, in clock ticks since the machine's boot.</param>
    public static void Add(int id, long startTime)
    {
        lock (StartTimes)
            StartTimes[id] = startTime;
    }

    /// <summary>Buries a process that is dead, if it is a child that was launched here; otherwise it is left to its parent.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="startTime">When it started, in clock ticks since the machine's boot.</param>
    public static void Bury(int id, long startTime)
    {
        // Its number is free for another child as soon as it is buried: no other thread may come between.
        lock (StartTimes)
        {
            if (StartTimes.TryGetValue(id, out var launched) && launched == startTime && WaitPid(id, 0, DoNotWait) != 0)
                StartTimes.Remove(id);
        }
    }

    [LibraryImport("libc", EntryPoint = "waitpid", SetLastError = true)]
    private static partial int WaitPid(int process, nint status, int options);
}
