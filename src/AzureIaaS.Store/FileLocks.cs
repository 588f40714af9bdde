using System.Globalization;
using System.Runtime.InteropServices;
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
    private static readonly TimeSpan RetryAfter = TimeSpan.FromMilliseconds(5);

    public IDisposable? TryAcquire(string name)
    {
        var path = PathOf(name);
        try
        {
            // On Unix, .NET's own locking can be switched off by an environment variable, so the lock is taken by hand.
            var handle = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite,
                OperatingSystem.IsWindows() ? FileShare.Read : FileShare.ReadWrite | FileShare.Delete);
            if (!OperatingSystem.IsWindows() && Flock(handle, LockExclusive | DoNotWait) != 0)
            {
                handle.Dispose();
                return null;
            }

            WriteHolder(handle);
            return handle;
        }
        catch (IOException e) when (OperatingSystem.IsWindows() && (e.HResult & 0xFFFF) is 32 or 33)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IaaSException(ErrorKind.AccessDenied, "LockNotWritable", $"{path}: the lock file cannot be opened ({e.Message}).",
                "Make the fabric's folder writable for this user, or connect to another fabric with Connect-IaaS -Local -Path (iaas connect --path).", path, e);
        }
    }

    public async Task<IDisposable?> AcquireAsync(string name, TimeSpan timeout, CancellationToken cancellation)
    {
        var start = Environment.TickCount64;
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            if (TryAcquire(name) is { } held)
                return held;
            if (Environment.TickCount64 - start >= timeout.TotalMilliseconds)
                return null;
            await Task.Delay(RetryAfter, cancellation);
        }
    }

    public string? DescribeHolder(string name)
    {
        try
        {
            using var stream = new FileStream(PathOf(name), FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var reader = new StreamReader(stream);
            var pid = reader.ReadToEnd().Trim();
            return pid.Length == 0 ? null : $"process {pid}";
        }
        catch (IOException)
        {
            return null;   // only a message would have been richer
        }
    }

    private static void WriteHolder(SafeFileHandle handle)
    {
        Span<byte> text = stackalloc byte[16];
        Environment.ProcessId.TryFormat(text, out var length, provider: CultureInfo.InvariantCulture);
        text[length..].Fill((byte)' ');
        RandomAccess.Write(handle, text, 0);
    }

    private string PathOf(string name) => Path.Combine(folder, name + ".lock");

    [LibraryImport("libc", EntryPoint = "flock", SetLastError = true)]
    private static partial int Flock(SafeFileHandle file, int operation);
}
