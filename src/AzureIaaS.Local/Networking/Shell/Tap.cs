using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Local.Networking.Shell;

/// <summary>A network namespace of a thread's own, and an Ethernet device in it whose frames are this process's to read and write (Linux tun/tap).</summary>
internal static unsafe partial class Tap
{
    private const int NewMounts = 0x00020000;
    private const int NewNetwork = 0x40000000;
    private const nuint SetInterface = 0x400454CA;   // TUNSETIFF
    private const short IsTap = 0x0002;
    private const short NoInformation = 0x1000;
    private const int RequestSize = 40;
    private const int NameSize = 16;

    /// <summary>Whether this user is root.</summary>
    public static bool IsRoot => geteuid() == 0;

    /// <summary>Gives the calling thread, and what it starts, a network and mounts of its own.</summary>
    /// <exception cref="IaaSException">The system does not allow it.</exception>
    public static void LeaveNamespaces()
    {
        if (unshare(NewNetwork | NewMounts) != 0)
            throw Failed("NamespaceRefused", "a network namespace of its own cannot be made");
    }

    /// <summary>Makes a device in the calling thread's network.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>What its frames are read from and written to, one at a time.</returns>
    public static SafeFileHandle Open(string name)
    {
        var file = File.OpenHandle("/dev/net/tun", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
        var request = stackalloc byte[RequestSize];
        new Span<byte>(request, RequestSize).Clear();
        Encoding.ASCII.GetBytes(name, new Span<byte>(request, NameSize - 1));
        *(short*)(request + NameSize) = IsTap | NoInformation;
        if (ioctl((int)file.DangerousGetHandle(), SetInterface, request) == 0)
            return file;
        file.Dispose();
        throw Failed("TapRefused", $"the device {name} cannot be made");
    }

    /// <summary>Reads a frame; the runtime's own streams do not read from devices that cannot be sought in.</summary>
    /// <returns>Its length; 0 or less at the end.</returns>
    public static int Read(SafeFileHandle device, Span<byte> frame) => (int)read(device, ref MemoryMarshal.GetReference(frame), (nuint)frame.Length);

    /// <summary>Writes a frame; one that the device does not take is lost.</summary>
    public static void Write(SafeFileHandle device, ReadOnlySpan<byte> frame) => _ = write(device, ref MemoryMarshal.GetReference(frame), (nuint)frame.Length);

    private static IaaSException Failed(string errorId, string what) => new(ErrorKind.AccessDenied, errorId,
        $"A host on the network needs namespaces and /dev/net/tun, and {what}: {Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}.",
        "Run it as root, on a Linux that has them; from a container, with the capabilities NET_ADMIN and SYS_ADMIN.");

    [LibraryImport("libc", SetLastError = true)]
    private static partial int unshare(int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ioctl(int file, nuint request, byte* argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(SafeFileHandle file, ref byte buffer, nuint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(SafeFileHandle file, ref byte buffer, nuint length);

    [LibraryImport("libc")]
    private static partial uint geteuid();
}
