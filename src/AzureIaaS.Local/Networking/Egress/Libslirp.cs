using System.Runtime.InteropServices;

namespace AzureIaaS.Local.Networking.Egress;

/// <summary>libslirp 4.7 and later: a TCP/IP stack in user space that makes ordinary sockets of a guest's packets (libslirp.h).</summary>
internal static unsafe partial class Libslirp
{
    /// <summary>The version of <see cref="Config"/> and <see cref="Callbacks"/> that are used; a newer library knows it too.</summary>
    public const uint ConfigVersion = 4;

    public const int In = 1;
    public const int Out = 2;
    public const int Urgent = 4;
    public const int Error = 8;
    public const int HungUp = 16;

    private const string Library = "libslirp.so.0";

    /// <summary>Whether the library is on this computer.</summary>
    public static bool IsInstalled { get; } = OperatingSystem.IsLinux() && NativeLibrary.TryLoad(Library, out _);

    /// <summary><c>SlirpConfig</c>; addresses in network order, what is 0 is off.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Config
    {
        public uint Version;
        public int Restricted;
        public byte Ipv4Enabled;
        public uint Network;
        public uint Mask;
        public uint Host;
        public byte Ipv6Enabled;
        public fixed uint Prefix6[4];
        public byte PrefixLength6;
        public fixed uint Host6[4];
        public nint HostName;
        public nint TftpServerName;
        public nint TftpPath;
        public nint BootFile;
        public uint DhcpStart;
        public uint NameServer;
        public fixed uint NameServer6[4];
        public nint DnsSearch;
        public nint DomainName;
        public nuint Mtu;
        public nuint Mru;
        public byte DisableHostLoopback;
        public byte EnableEmulation;
        public nint OutboundAddress;
        public nint OutboundAddress6;
        public byte DisableDns;
        public byte DisableDhcp;
    }

    /// <summary><c>SlirpCb</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Callbacks
    {
        public delegate* unmanaged<byte*, nuint, nint, nint> SendPacket;
        public delegate* unmanaged<nint, nint, void> GuestError;
        public delegate* unmanaged<nint, long> Clock;
        public delegate* unmanaged<nint, nint, nint, nint> TimerNew;
        public delegate* unmanaged<nint, nint, void> TimerFree;
        public delegate* unmanaged<nint, long, nint, void> TimerMod;
        public delegate* unmanaged<int, nint, void> RegisterFile;
        public delegate* unmanaged<int, nint, void> UnregisterFile;
        public delegate* unmanaged<nint, void> Notify;
        public nint InitCompleted;
        public nint TimerNewOpaque;
    }

    [LibraryImport(Library, EntryPoint = "slirp_new")]
    public static partial nint New(Config* config, Callbacks* callbacks, nint opaque);

    [LibraryImport(Library, EntryPoint = "slirp_cleanup")]
    public static partial void Cleanup(nint slirp);

    [LibraryImport(Library, EntryPoint = "slirp_input")]
    public static partial void Input(nint slirp, byte* frame, int length);

    [LibraryImport(Library, EntryPoint = "slirp_pollfds_fill")]
    public static partial void Fill(nint slirp, uint* milliseconds, delegate* unmanaged<int, int, nint, int> add, nint opaque);

    [LibraryImport(Library, EntryPoint = "slirp_pollfds_poll")]
    public static partial void Poll(nint slirp, int error, delegate* unmanaged<int, nint, int> happened, nint opaque);

    [LibraryImport(Library, EntryPoint = "slirp_add_hostfwd")]
    public static partial int AddForward(nint slirp, int udp, uint hostAddress, int hostPort, uint guestAddress, int guestPort);

    [LibraryImport(Library, EntryPoint = "slirp_remove_hostfwd")]
    public static partial int RemoveForward(nint slirp, int udp, uint hostAddress, int hostPort);
}
