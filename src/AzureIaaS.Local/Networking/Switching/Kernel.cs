using System.Runtime.InteropServices;
using System.Text;

namespace AzureIaaS.Local.Networking.Switching;

/// <summary>The system calls that move many frames at once, and the one that waits for them: Linux, 64 bit.</summary>
internal static unsafe partial class Kernel
{
    public const short Readable = 0x1;
    public const short Urgent = 0x2;
    public const short Writable = 0x4;
    public const short Error = 0x8;
    public const short HungUp = 0x10;

    public const int DoNotWait = 0x40;
    public const int NoSignal = 0x4000;
    public const int Truncated = 0x20;

    public const int Interrupted = 4;
    public const int TryAgain = 11;
    public const int NoBuffers = 105;
    public const int NotConnected = 107;
    public const int ConnectionRefused = 111;

    /// <summary>What is waited for (poll(2)).</summary>
    public struct PollEntry
    {
        public int File;
        public short Events;
        public short Happened;
    }

    /// <summary>Where bytes are (readv(2)).</summary>
    public struct Piece
    {
        public byte* Start;
        public nuint Length;
    }

    /// <summary>A message with its length (recvmmsg(2)): a <c>struct msghdr</c>, and what the call has moved.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    public struct Message
    {
        [FieldOffset(0)]
        public void* Name;
        [FieldOffset(8)]
        public uint NameLength;
        [FieldOffset(16)]
        public Piece* Pieces;
        [FieldOffset(24)]
        public nuint PieceCount;
        [FieldOffset(32)]
        public void* Control;
        [FieldOffset(40)]
        public nuint ControlLength;
        [FieldOffset(48)]
        public int Flags;
        [FieldOffset(56)]
        public uint Moved;
    }

    /// <summary>An address on a path (struct sockaddr_un).</summary>
    private struct UnixAddress
    {
        public const ushort Unix = 1;
        public const ushort Unspecified = 0;
        public const int PathSize = 108;

        public ushort Family;
        public fixed byte Path[PathSize];
    }

    /// <summary>Waits until something happens (ppoll(2)).</summary>
    /// <returns>To how many entries; 0 when the time is over.</returns>
    public static int Poll(PollEntry* entries, nuint count, TimeSpan time)
    {
        var (seconds, rest) = Math.DivRem(time.Ticks, TimeSpan.TicksPerSecond);
        var wait = stackalloc long[] { seconds, rest * TimeSpan.NanosecondsPerTick };
        return ppoll(entries, count, wait, null);
    }

    [LibraryImport("libc", EntryPoint = "recvmmsg", SetLastError = true)]
    public static partial int ReceiveMessages(int file, Message* messages, uint count, int flags, nint timeout);

    [LibraryImport("libc", EntryPoint = "sendmmsg", SetLastError = true)]
    public static partial int SendMessages(int file, Message* messages, uint count, int flags);

    /// <summary>The number of the file at a path, by which it is known from another that has taken its place; 0 when there is none.</summary>
    public static ulong FileNumber(string path)
    {
        const int AtCurrentFolder = -100;
        const int NoFollow = 0x100;
        const uint AskFileNumber = 0x100;
        const int FileNumberOffset = 32;
        Span<byte> status = stackalloc byte[256];
        return statx(AtCurrentFolder, path, NoFollow, AskFileNumber, ref MemoryMarshal.GetReference(status)) == 0 ? BitConverter.ToUInt64(status[FileNumberOffset..]) : 0;
    }

    /// <summary>Connects a unix datagram socket; one that is connected, anew.</summary>
    /// <returns>False when nobody is there.</returns>
    public static bool Connect(int file, string path)
    {
        var address = new UnixAddress { Family = UnixAddress.Unix };
        return Encoding.UTF8.TryGetBytes(path, new Span<byte>(address.Path, UnixAddress.PathSize - 1), out _) && connect(file, &address, (uint)sizeof(UnixAddress)) == 0;
    }

    /// <summary>Has a unix datagram socket hear everybody again (connect(2), AF_UNSPEC).</summary>
    public static void Disconnect(int file)
    {
        var address = new UnixAddress { Family = UnixAddress.Unspecified };
        _ = connect(file, &address, (uint)sizeof(UnixAddress));
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int ppoll(PollEntry* entries, nuint count, long* time, void* signals);

    [LibraryImport("libc")]
    private static partial int connect(int file, UnixAddress* address, uint length);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int statx(int folder, string path, int flags, uint mask, ref byte status);
}
