using System.Buffers.Binary;
using System.Diagnostics;
using System.Runtime.InteropServices;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Local.Networking.Switching;

namespace AzureIaaS.Local.Networking.Egress;

/// <summary>The way out by libslirp. It sees only what the gateway hands it, and never this computer's loopback. For the switch's thread alone.</summary>
internal sealed unsafe class SlirpEgress : IEgress
{
    private readonly Gateway _gateway;
    private readonly Queue<byte[]> _later = new();
    private readonly Libslirp.Callbacks* _callbacks;
    private GCHandle _self;
    private nint _slirp;
    private List<Kernel.PollEntry> _entries = [];
    private int _start;
    private Kernel.PollEntry[] _happened = [];
    private bool _isInside;

    /// <summary>Begins.</summary>
    /// <param name="gateway">The gateway that packets come back to.</param>
    /// <exception cref="IaaSException">The library is not there, or refuses.</exception>
    public SlirpEgress(Gateway gateway)
    {
        if (!Libslirp.IsInstalled)
            throw Missing();
        _gateway = gateway;
        _self = GCHandle.Alloc(this);
        _callbacks = (Libslirp.Callbacks*)NativeMemory.AllocZeroed((nuint)sizeof(Libslirp.Callbacks));
        *_callbacks = new Libslirp.Callbacks
        {
            SendPacket = &SendPacket, GuestError = &GuestError, Clock = &Clock, TimerNew = &TimerNew, TimerFree = &TimerFree, TimerMod = &TimerMod,
            RegisterFile = &FileChanged, UnregisterFile = &FileChanged, Notify = &Notify,
        };
        var config = new Libslirp.Config
        {
            Version = Libslirp.ConfigVersion,
            Ipv4Enabled = 1,
            Network = Order(gateway.Plan.Subnet),
            Mask = Order(gateway.Plan.Mask),
            Host = Order(gateway.Plan.Gateway.Address),
            NameServer = Order(gateway.Plan.Gateway.Address),
            DhcpStart = Order(gateway.Plan.Gateway.Address),
            DisableHostLoopback = 1,
            DisableDns = 1,
            DisableDhcp = 1,
        };
        _slirp = Libslirp.New(&config, _callbacks, GCHandle.ToIntPtr(_self));
        if (_slirp == 0)
            throw new IaaSException(ErrorKind.Failed, "SlirpRefused", $"{gateway.Plan.Network.Name}: libslirp could not be set up for {gateway.Plan.Network.Subnet}.", "Use a newer libslirp, or an isolated network: New-IaaSNetwork -Isolated.", gateway.Plan.Network.Name);
    }

    /// <summary>The address that libslirp's frames come from: its prefix, and the gateway's address.</summary>
    public static ulong MacOf(uint gateway) => 0x525500000000UL | gateway;

    /// <summary>What is said where the library is not there.</summary>
    public static IaaSException Missing() => new(ErrorKind.NotInstalled, "SlirpNotInstalled", "libslirp is not installed, and a network needs it for its way out and for published ports.",
        "Install it (Debian and Ubuntu: apt install libslirp0), or do without both: New-IaaSNetwork -Isolated.");

    public void Send(ReadOnlySpan<byte> frame)
    {
        if (_isInside)
        {
            _later.Enqueue(frame.ToArray());
            return;
        }

        _isInside = true;
        Input(frame);
        Leave();
    }

    public bool Open(Forward forward) =>
        Libslirp.AddForward(_slirp, forward.Udp ? 1 : 0, Order(forward.HostAddress), forward.HostPort, Order(forward.Address), forward.Port) == 0;

    public void Close(Forward forward) => _ = Libslirp.RemoveForward(_slirp, forward.Udp ? 1 : 0, Order(forward.HostAddress), forward.HostPort);

    public void Prepare(List<Kernel.PollEntry> entries, ref int milliseconds)
    {
        (_entries, _start) = (entries, entries.Count);
        var limit = (uint)milliseconds;
        Libslirp.Fill(_slirp, &limit, &AddFile, GCHandle.ToIntPtr(_self));
        milliseconds = (int)Math.Min((uint)milliseconds, limit);
    }

    public void Happened(ReadOnlySpan<Kernel.PollEntry> entries)
    {
        if (_happened.Length < entries.Length)
            _happened = new Kernel.PollEntry[2 * entries.Length];
        entries.CopyTo(_happened);
        _isInside = true;
        Libslirp.Poll(_slirp, 0, &HappenedTo, GCHandle.ToIntPtr(_self));
        Leave();
    }

    public void Dispose()
    {
        if (_slirp != 0)
            Libslirp.Cleanup(_slirp);
        _slirp = 0;
        if (_self.IsAllocated)
            _self.Free();
        NativeMemory.Free(_callbacks);
    }

    /// <summary>The library is not re-entrant: what is sent to it while it works waits until it is done.</summary>
    private void Leave()
    {
        while (_later.TryDequeue(out var frame))
            Input(frame);
        _isInside = false;
    }

    private void Input(ReadOnlySpan<byte> frame)
    {
        fixed (byte* bytes = frame)
            Libslirp.Input(_slirp, bytes, frame.Length);
    }

    private static uint Order(uint address) => BinaryPrimitives.ReverseEndianness(address);

    private static SlirpEgress Of(nint opaque) => (SlirpEgress)GCHandle.FromIntPtr(opaque).Target!;

    [UnmanagedCallersOnly]
    private static nint SendPacket(byte* frame, nuint length, nint opaque)
    {
        Of(opaque)._gateway.ReceiveFromOutside(new ReadOnlySpan<byte>(frame, (int)length));
        return (nint)length;
    }

    [UnmanagedCallersOnly]
    private static int AddFile(int file, int events, nint opaque)
    {
        var self = Of(opaque);
        var wanted = ((events & Libslirp.In) != 0 ? Kernel.Readable : 0) | ((events & Libslirp.Out) != 0 ? Kernel.Writable : 0) | ((events & Libslirp.Urgent) != 0 ? Kernel.Urgent : 0);
        self._entries.Add(new Kernel.PollEntry { File = file, Events = (short)wanted });
        return self._entries.Count - 1 - self._start;
    }

    [UnmanagedCallersOnly]
    private static int HappenedTo(int index, nint opaque)
    {
        var happened = Of(opaque)._happened[index].Happened;
        return ((happened & Kernel.Readable) != 0 ? Libslirp.In : 0) | ((happened & Kernel.Writable) != 0 ? Libslirp.Out : 0) | ((happened & Kernel.Urgent) != 0 ? Libslirp.Urgent : 0)
            | ((happened & Kernel.Error) != 0 ? Libslirp.Error : 0) | ((happened & Kernel.HungUp) != 0 ? Libslirp.HungUp : 0);
    }

    [UnmanagedCallersOnly]
    private static long Clock(nint opaque) => (long)(Stopwatch.GetTimestamp() * (1e9 / Stopwatch.Frequency));

    // Timers are for IPv6's router advertisements, which are off.
    [UnmanagedCallersOnly]
    private static nint TimerNew(nint callback, nint argument, nint opaque) => 1;

    [UnmanagedCallersOnly]
    private static void TimerFree(nint timer, nint opaque)
    {
        // There is none.
    }

    [UnmanagedCallersOnly]
    private static void TimerMod(nint timer, long expires, nint opaque)
    {
        // There is none.
    }

    [UnmanagedCallersOnly]
    private static void GuestError(nint message, nint opaque)
    {
        // A guest's own fault, and as often as it likes: not for a log.
    }

    [UnmanagedCallersOnly]
    private static void FileChanged(int file, nint opaque)
    {
        // Files are asked for before each wait.
    }

    [UnmanagedCallersOnly]
    private static void Notify(nint opaque)
    {
        // The loop comes round anyway.
    }
}
