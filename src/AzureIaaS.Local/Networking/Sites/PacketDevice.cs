using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Local.Networking.Sites;

/// <summary>
/// A device's IP packets, past all routing (packet(7)): what is written goes out by the device, what comes in by it can be read. It is how the
/// gateway reaches the tunnel without making this computer a router.
/// </summary>
internal static unsafe partial class PacketDevice
{
    private const int FamilyPacket = 17;
    private const int Datagram = 2 | 0x80000;   // SOCK_DGRAM | SOCK_CLOEXEC
    private const ushort Ipv4InNetworkOrder = 0x0008;
    private const int LevelPacket = 263;
    private const int IgnoreOutgoing = 23;
    private const int LevelSocket = 1;
    private const int ReceiveBuffer = 8;
    private const int BufferSize = 4 << 20;

    /// <summary>A socket address of a device (struct sockaddr_ll).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Address
    {
        public ushort Family;
        public ushort Protocol;
        public int Index;
        public ushort HardwareType;
        public byte PacketType;
        public byte AddressLength;
        public ulong HardwareAddress;
    }

    /// <summary>Opens a device's packets.</summary>
    /// <param name="device">The device's name.</param>
    /// <exception cref="IaaSException">It is not there, or not to be had.</exception>
    public static SafeFileHandle Open(string device)
    {
        // Protocol 0 at first: nothing of another device is to be heard before it is bound.
        var file = new SafeFileHandle(socket(FamilyPacket, Datagram, 0), ownsHandle: true);
        var address = new Address { Family = FamilyPacket, Protocol = Ipv4InNetworkOrder, Index = (int)if_nametoindex(device) };
        int one = 1, size = BufferSize;
        if (!file.IsInvalid && address.Index != 0)
        {
            _ = setsockopt((int)file.DangerousGetHandle(), LevelPacket, IgnoreOutgoing, &one, sizeof(int));
            _ = setsockopt((int)file.DangerousGetHandle(), LevelSocket, ReceiveBuffer, &size, sizeof(int));
            if (bind((int)file.DangerousGetHandle(), &address, (uint)sizeof(Address)) == 0)
                return file;
        }

        var error = Marshal.GetLastPInvokeError();
        file.Dispose();
        throw new IaaSException(ErrorKind.AccessDenied, "TunnelPacketsRefused", $"The packets of the tunnel's device {device} cannot be had: {Marshal.GetPInvokeErrorMessage(error)}.",
            "Run the gateway as root; from a container, with the capability NET_RAW.", device);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int socket(int family, int kind, int protocol);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int bind(int file, Address* address, uint length);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setsockopt(int file, int level, int option, int* value, uint length);

    [LibraryImport("libc", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial uint if_nametoindex(string name);
}
