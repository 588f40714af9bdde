using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using AzureIaaS.Providers;
using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Store;

/// <summary>
/// Locks as files that the kernel locks (flock on Unix, a share mode on Windows). The files stay: deleting one while another process opens
/// it would let two processes hold "the same" lock.
/// </summary>
internal sealed partial class FileLocks(string folder) : ILockStore
{
    private const int LockExclusive = 2;
    private const int DoNotWait = 4;
    private const int OpenReadWrite = 2;
    private const int OwnerOnly = 0x180;   // rw-------
    private static readonly int CreateIfMissing = OperatingSystem.IsMacOS() ? 0x200 : 0x40;
    private static readonly int CloseOnExec = OperatingSystem.IsMacOS() ? 0x1000000 : 0x80000;
    private const long SoonMilliseconds = 100;
    private static readonly TimeSpan RetrySoon = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan RetryLater = TimeSpan.FromMilliseconds(5);

    public IDisposable? TryAcquire(string name)
    {
        var path = PathOf(name);
        var handle = OperatingSystem.IsWindows() ? OpenExclusively(path) : OpenAndLock(path);
        if (handle is not null)
            WriteHolder(handle);
        return handle;
    }

    public async Task<IDisposable?> AcquireAsync(string name, TimeSpan timeout, CancellationToken cancellation)
    {
        var start = Environment.TickCount64;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (TryAcquire(name) is { } held)
                return held;
            var waited = Environment.TickCount64 - start;
            if (waited >= timeout.TotalMilliseconds)
                return null;
            await Task.Delay(waited < SoonMilliseconds ? RetrySoon : RetryLater, cancellation);
        }
    }

    public string? DescribeHolder(string name)
    {
        Span<byte> text = stackalloc byte[16];
        using var handle = OperatingSystem.IsWindows() ? null : Open(PathOf(name), OpenReadWrite | CloseOnExec, 0);
        if (handle is null || handle.IsInvalid || RandomAccess.Read(handle, text, 0) is not (var length and > 0))
            return null;   // only a message would have been richer
        return "process " + Encoding.ASCII.GetString(text[..length]).Trim();
    }

    public bool IsInPlace(IDisposable held, string name)
    {
        if (!File.Exists(PathOf(name)))
            return false;
        if (!OperatingSystem.IsLinux() || held is not SafeFileHandle { IsInvalid: false, IsClosed: false } handle)
            return true;
        // The kernel says of an open file that its name is gone, even where another file has that name now.
        return new FileInfo($"/proc/self/fd/{handle.DangerousGetHandle()}").LinkTarget is not { } target || !target.EndsWith(" (deleted)", StringComparison.Ordinal);
    }

    /// <summary>By hand: .NET would take a lock of its own for the file's share mode, and that can be switched off by an environment variable.</summary>
    private static SafeFileHandle? OpenAndLock(string path)
    {
        var handle = Open(path, OpenReadWrite | CreateIfMissing | CloseOnExec, OwnerOnly);
        if (handle.IsInvalid)
        {
            var error = Marshal.GetLastPInvokeErrorMessage();
            handle.Dispose();
            throw NotWritable(path, error, null);
        }

        if (Flock(handle, LockExclusive | DoNotWait) == 0)
            return handle;
        handle.Dispose();
        return null;
    }

    private static SafeFileHandle? OpenExclusively(string path)
    {
        try
        {
            return File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        }
        catch (IOException e) when ((e.HResult & 0xFFFF) is 32 or 33)   // sharing or lock violation
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw NotWritable(path, e.Message, e);
        }
    }

    private static IaaSException NotWritable(string path, string problem, Exception? inner) =>
        new(ErrorKind.AccessDenied, "LockNotWritable", $"{path}: the lock file cannot be opened ({problem}).",
            "Make the fabric's folder writable for this user, or connect to another fabric with Connect-IaaS -Local -Path.", path, inner);

    private static void WriteHolder(SafeFileHandle handle)
    {
        Span<byte> text = stackalloc byte[16];
        Environment.ProcessId.TryFormat(text, out var length, provider: CultureInfo.InvariantCulture);
        text[length..].Fill((byte)' ');
        try
        {
            RandomAccess.Write(handle, text, 0);
        }
        catch (IOException)
        {
            // The disk is full, and the lock is held all the same: only a message would have been richer.
        }
    }

    private string PathOf(string name) => Path.Combine(folder, name + ".lock");

    [LibraryImport("libc", EntryPoint = "open", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial SafeFileHandle Open(string path, int flags, int mode);

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle file, int operation);
}
