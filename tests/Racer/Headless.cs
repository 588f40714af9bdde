using System.Runtime.InteropServices;

namespace AzureIaaS.Racer;

/// <summary>A process whose first thread is dead and whose others live, as one is for a moment that was killed. It holds a file's lock.</summary>
internal static partial class Headless
{
    /// <summary>Becomes one.</summary>
    /// <param name="path">The file that it locks.</param>
    public static void Become(string path)
    {
        var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        new Thread(() =>
        {
            new ManualResetEventSlim().Wait();
            GC.KeepAlive(file);
        }).Start();
        _ = SystemCall(RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? 93 : 60, 0);   // exit, of this thread alone
    }

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial nint SystemCall(nint number, nint status);
}
