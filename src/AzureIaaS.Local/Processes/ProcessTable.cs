using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace AzureIaaS.Local.Processes;

/// <summary>The processes of this machine, as /proc tells of them.</summary>
internal static partial class ProcessTable
{
    private const int Kill = 9;
    private const int Terminate = 15;

    // Fields of /proc/PID/stat (proc(5)), counted from the one after the program's name.
    private const int State = 0;
    private const int Flags = 6;
    private const int Threads = 17;
    private const int StartTime = 19;
    private const uint Exiting = 0x4;   // PF_EXITING

    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(5);
    private static readonly Lazy<string> ThisBoot = new(() => File.ReadAllText("/proc/sys/kernel/random/boot_id").Trim());

    /// <summary>
    /// The identity of a process that runs now; null when there is none of that number, or it is dead and only not yet buried. One whose first
    /// thread is dead and whose others are not yet still has its files open, and its locks on them: it runs.
    /// </summary>
    /// <param name="id">The process's number.</param>
    public static ProcessIdentity? Find(int id)
    {
        if (Stat(id) is not { } fields)
            return null;
        var startTime = long.Parse(fields[StartTime], CultureInfo.InvariantCulture);
        if (fields[State] is "Z" or "X" && int.Parse(fields[Threads], CultureInfo.InvariantCulture) <= 1)
        {
            LaunchedProcesses.Bury(id, startTime);
            return null;
        }

        return new ProcessIdentity(id, startTime, ThisBoot.Value);
    }

    /// <summary>When a process started, in clock ticks since the machine's boot, dead or not; null when there is none of that number.</summary>
    /// <param name="id">The process's number.</param>
    public static long? StartTimeOf(int id) => Stat(id) is { } fields ? long.Parse(fields[StartTime], CultureInfo.InvariantCulture) : null;

    /// <summary>Whether exactly this process still runs.</summary>
    /// <param name="process">The process.</param>
    public static bool IsAlive(ProcessIdentity process) => Find(process.Id) == process;

    /// <summary>Whether it runs, but was halted by a signal.</summary>
    /// <param name="process">The process.</param>
    public static bool IsHalted(ProcessIdentity process) => Stat(process.Id) is { } fields && fields[State] is "T" or "t";

    /// <summary>Whether it is on its way out: it answers nobody any more, and will be gone in a moment.</summary>
    /// <param name="process">The process.</param>
    public static bool IsEnding(ProcessIdentity process) =>
        Stat(process.Id) is { } fields && (fields[State] is "Z" || (uint.Parse(fields[Flags], CultureInfo.InvariantCulture) & Exiting) != 0);

    /// <summary>Ends a process at once, and returns when it is seen gone.</summary>
    /// <param name="process">The process.</param>
    /// <param name="timeout">How long it may take: a process in an uninterruptible wait does not die.</param>
    /// <returns>Whether it is gone.</returns>
    public static async Task<bool> KillAsync(ProcessIdentity process, TimeSpan timeout)
    {
        if (!IsAlive(process))
            return true;
        _ = Signal(process.Id, Kill);
        return await WaitForEndAsync(process, timeout, CancellationToken.None);
    }

    /// <summary>Asks a process to end, and ends it when it has not within the time.</summary>
    /// <param name="process">The process.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <returns>Whether it is gone.</returns>
    public static async Task<bool> TerminateAsync(ProcessIdentity process, TimeSpan timeout)
    {
        if (IsAlive(process))
            _ = Signal(process.Id, Terminate);
        return await WaitForEndAsync(process, timeout, CancellationToken.None) || await KillAsync(process, timeout);
    }

    /// <summary>Waits until a process has ended.</summary>
    /// <param name="process">The process.</param>
    /// <param name="timeout">How long to wait.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>Whether it has ended.</returns>
    public static async Task<bool> WaitForEndAsync(ProcessIdentity process, TimeSpan timeout, CancellationToken cancellation)
    {
        var start = Environment.TickCount64;
        while (IsAlive(process))
        {
            if (Environment.TickCount64 - start > timeout.TotalMilliseconds)
                return false;
            await Task.Delay(PollEvery, cancellation);
        }

        return true;
    }

    /// <summary>
    /// Finds a process of this user by an argument of its command line: for one whose launcher died before it could note the number.
    /// </summary>
    /// <param name="argument">The whole argument.</param>
    public static ProcessIdentity? FindByArgument(string argument)
    {
        var wanted = Encoding.UTF8.GetBytes(argument);
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && HasArgument(id, wanted))
                return Find(id);
        }

        return null;
    }

    /// <summary>Whether a process has an argument in its command line.</summary>
    /// <param name="id">The process's number.</param>
    /// <param name="argument">The whole argument.</param>
    public static bool HasArgument(int id, string argument) => HasArgument(id, Encoding.UTF8.GetBytes(argument));

    /// <summary>How much memory of a process is really in use, in bytes; 0 when it is gone.</summary>
    /// <param name="id">The process's number.</param>
    public static long ResidentMemory(int id)
    {
        try
        {
            var pages = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/statm")).Split(' ')[1];
            return long.Parse(pages, CultureInfo.InvariantCulture) * Environment.SystemPageSize;
        }
        catch (IOException)
        {
            return 0;
        }
    }

    private static string[]? Stat(int id)
    {
        try
        {
            var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/stat"));
            // The second field is the program's name in parentheses, which may hold anything, parentheses and blanks too.
            return stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool HasArgument(int id, byte[] wanted)
    {
        try
        {
            var line = CommandLine(id).AsSpan();
            for (var at = line.IndexOf(wanted); at >= 0; at = line.IndexOf(wanted))
            {
                var begins = at == 0 || line[at - 1] == 0;
                var end = at + wanted.Length;
                if (begins && (end == line.Length || line[end] == 0))
                    return true;
                line = line[end..];
            }

            return false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    /// <summary>
    /// A program that is being started has no arguments for a moment, and its starter may be gone by then. A kernel's thread and a zombie have
    /// none for good, and no program either.
    /// </summary>
    private static byte[] CommandLine(int id)
    {
        for (var attempt = 0; ; attempt++)
        {
            var line = File.ReadAllBytes(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/cmdline"));
            if (line.Length > 0 || attempt == 1000 || new FileInfo(string.Create(CultureInfo.InvariantCulture, $"/proc/{id}/exe")).LinkTarget is null)
                return line;
            Thread.Yield();
        }
    }

    [LibraryImport("libc", EntryPoint = "kill", SetLastError = true)]
    private static partial int Signal(int process, int signal);
}
