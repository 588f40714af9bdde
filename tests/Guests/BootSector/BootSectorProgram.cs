using static AzureIaaS.Guests.Testing.BootSector.Memory;
using static AzureIaaS.Guests.Testing.BootSector.Register;

namespace AzureIaaS.Guests.Testing.BootSector;

/// <summary>
/// The guest's program, read from top to bottom as it runs. The first sector loads the rest behind itself, and all of it runs in real
/// mode with the BIOS's services, so it starts from whatever disk the BIOS can read.
/// </summary>
internal sealed partial class BootSectorProgram(BootSectorOptions options)
{
    // On the disk, in sectors.
    public const int FirstSectorOfRest = 1;
    public const int BootCountSector = 8;
    public const int WriteCountSector = 16;
    public const int PartitionSector = 128;
    private const int FillSectors = 64;

    // In memory. The MBR's own partition entry tells a filling guest where to write.
    private const int Origin = 0x7C00;
    private const int PartitionStart = Origin + BootSectorGuest.PartitionEntry + 8;
    private const int PartitionLength = Origin + BootSectorGuest.PartitionEntry + 12;
    private const int Sector = 0x9000;
    private const int SectorReadBack = 0x9200;
    private const int FillSegment = 0x1000;
    private const int BiosTicks = 0x046C;

    // Five of the BIOS's ticks, 18.2 of which make a second.
    private const int BiosTicksPerTick = 5;

    // The serial port.
    private const int Com1 = 0x3F8;
    private const int LineStatus = Com1 + 5;
    private const int DataReady = 0x01;
    private const int CanTransmit = 0x20;

    // The power management registers, where SeaBIOS puts them for QEMU's pc and q35 machines.
    private const int PowerStatus = 0x600;
    private const int PowerEnable = PowerStatus + 2;
    private const int PowerControl = PowerStatus + 4;
    private const int PowerButton = 0x0100;
    private const int SleepEnable = 0x2000;

    private const byte Read = 0x42;
    private const byte Write = 0x43;

    private readonly Assembler _asm = new(Origin);

    // Each text is its own label.
    private readonly SortedSet<string> _texts = new(StringComparer.Ordinal);

    private bool UsesPowerButton => !options.IgnorePowerButton;

    /// <summary>The first sector without its partition table, and what follows it on the disk, as one piece.</summary>
    public static byte[] Assemble(BootSectorOptions options) => new BootSectorProgram(options).Assemble();

    private byte[] Assemble()
    {
        LoadTheRest();
        CountTheBoot();
        GetReady();
        Loop();
        Endings();
        DiskRoutines();
        ConsoleRoutines();
        Data();
        return _asm.Assemble();
    }

    /// <summary>The first sector: known segments, a stack below the code, and the rest read from the drive that DL names.</summary>
    private void LoadTheRest()
    {
        _asm.Cli();
        _asm.Xor(AX, AX);
        _asm.Mov(Segment.DS, AX);
        _asm.Mov(Segment.ES, AX);
        _asm.Mov(Segment.SS, AX);
        _asm.Mov(SP, Origin);
        _asm.JmpFar("begin");
        _asm.Label("begin");
        _asm.Sti();
        _asm.Cld();
        _asm.Mov(At("drive"), DL);
        _asm.Mov(AX, Read << 8);
        _asm.Mov(SI, "packet of the rest");
        _asm.Int(0x13);
        _asm.Jmp(When.Failed, "no rest");
        _asm.Jmp("rest");

        // Nothing to say it with yet: an unreadable disk shows as silence.
        _asm.Label("no rest");
        _asm.Hlt();
        _asm.Jmp("no rest");

        _asm.Label("drive");
        _asm.Byte(0);
        _asm.Label("packet of the rest");
        Packet(count: (BootSectorGuest.MaxProgramLength / 512) - 1, sector: FirstSectorOfRest, offset: Origin + 512);

        _asm.PadTo(512);
        _asm.Label("rest");
    }

    /// <summary>Adds one to the counter on the disk, and believes it only once it has been read back.</summary>
    private void CountTheBoot()
    {
        _asm.Out(Com1 + 1, 0x00); // no interrupts
        _asm.Out(Com1 + 3, 0x80); // the next two set the speed: 115200
        _asm.Out(Com1 + 0, 0x01);
        _asm.Out(Com1 + 1, 0x00);
        _asm.Out(Com1 + 3, 0x03); // 8N1
        _asm.Out(Com1 + 2, 0x07); // queues on and empty
        _asm.Out(Com1 + 4, 0x03); // DTR, RTS

        if (!options.FillsDisk)
            WriteThrough();

        _asm.Mov(EBX, BootCountSector);
        ReadSector(Sector);
        _asm.Inc(At(Sector));
        _asm.Mov(DI, Sector);
        _asm.Mov(AH, Write);
        _asm.Call("disk");
        ReadSector(SectorReadBack);
        _asm.Mov(EAX, At(Sector));
        _asm.Cmp(EAX, At(SectorReadBack));
        _asm.Jmp(When.NotEqual, "mismatch");
        _asm.Push(EAX);
        _asm.Call("end line"); // firmware that speaks on the same port may not have ended its own
        _asm.Pop(EAX);
        SayNumber("guest: boot ");
    }

    /// <summary>
    /// Has the first IDE disk, if there is one, write through its cache: the BIOS offers no way to flush it, and a write is only
    /// acknowledged when nothing but the loss of the disk undoes it.
    /// </summary>
    private void WriteThrough()
    {
        const int Status = 0x1F7, Busy = 0x80, Ready = 0x40;
        _asm.Out(0x1F6, 0xE0);
        _asm.Mov(DX, Status);
        _asm.In(AL);
        _asm.Cmp(AL, 0xFF); // nothing answers at all
        _asm.Jmp(When.Equal, "no cache");
        _asm.Test(AL, Ready);
        _asm.Jmp(When.Zero, "no cache");
        _asm.Out(0x1F1, 0x82); // set features: disable the write cache
        _asm.Out(Status, 0xEF);
        _asm.Label("cache busy");
        _asm.In(AL);
        _asm.Test(AL, Busy);
        _asm.Jmp(When.NotZero, "cache busy");
        _asm.Label("no cache");
    }

    private void GetReady()
    {
        if (options.WritesEveryTick)
        {
            _asm.Mov(EBX, WriteCountSector);
            ReadSector(Sector);
            _asm.Mov(EAX, At(Sector));
            SayNumber("guest: found ");
        }

        if (options.FillsDisk)
        {
            // Something other than zeros, which a disk image might not store.
            _asm.Mov(AX, FillSegment);
            _asm.Mov(Segment.ES, AX);
            _asm.Mov(AX, 0xA55A);
            _asm.Xor(DI, DI);
            _asm.Mov(CX, FillSectors * 256);
            _asm.RepeatStoreWord();
            _asm.Xor(AX, AX);
            _asm.Mov(Segment.ES, AX);
        }

        if (UsesPowerButton)
        {
            // The button's interrupt (IRQ 9) stays masked, as nobody here answers it; its status bit is polled.
            _asm.Mov(DX, 0xA1);
            _asm.In(AL);
            _asm.Or(AL, 0x02);
            _asm.Out(AL);
            _asm.Mov(DX, PowerStatus);
            _asm.Mov(AX, PowerButton);
            _asm.Out(AX);
            _asm.Mov(DX, PowerEnable);
            _asm.Mov(AX, PowerButton);
            _asm.Out(AX);
        }

        _asm.Mov(EAX, At(BiosTicks));
        _asm.Mov(At("last"), EAX);
        Say("guest: ready");
    }

    /// <summary>
    /// Polls for as long as the guest runs; between two of the timer's interrupts the processor sleeps, unless there is a disk to fill.
    /// </summary>
    private void Loop()
    {
        _asm.Label("loop");
        GoAfter(options.PanicsAfterTicks, "panic");
        GoAfter(options.RebootsAfterTicks, "reboot");
        GoAfter(options.PowersOffAfterTicks, "power off");

        if (UsesPowerButton)
        {
            _asm.Mov(DX, PowerStatus);
            _asm.In(AX);
            _asm.Test(AX, PowerButton);
            _asm.Jmp(When.NotZero, "button");
        }

        if (options.EchoesSerial)
            Echo();
        if (options.FillsDisk)
            Fill();

        // At midnight the BIOS's count starts again at zero: the difference is then huge, and the tick comes early.
        _asm.Mov(EAX, At(BiosTicks));
        _asm.Mov(ECX, EAX);
        _asm.Sub(ECX, At("last"));
        _asm.Cmp(ECX, BiosTicksPerTick);
        _asm.Jmp(When.Below, "pause");
        _asm.Mov(At("last"), EAX);
        _asm.Inc(At("ticks"));
        _asm.Mov(EAX, At("ticks"));
        if (options.WritesEveryTick)
        {
            _asm.Mov(At(Sector), EAX);
            _asm.Mov(EBX, WriteCountSector);
            _asm.Mov(DI, Sector);
            _asm.Mov(AH, Write);
            _asm.Call("disk");
            _asm.Mov(EAX, At("ticks"));
        }

        SayNumber("guest: tick ");
        _asm.Jmp("loop");

        _asm.Label("pause");
        if (options.FillsDisk)
        {
            _asm.Mov(EAX, At(PartitionLength));
            _asm.Test(EAX, EAX);
            _asm.Jmp(When.NotZero, "loop");
        }

        _asm.Hlt();
        _asm.Jmp("loop");
    }

    private void GoAfter(int? ticks, string label)
    {
        if (ticks is not { } count)
            return;
        _asm.Mov(EAX, At("ticks"));
        _asm.Cmp(EAX, count);
        _asm.Jmp(When.AboveOrEqual, label);
    }

    private void Endings()
    {
        _asm.Label("button");
        Say("guest: power button");
        _asm.Jmp("off");

        _asm.Label("power off");
        Say("guest: power off");
        _asm.Label("off");
        _asm.Mov(DX, PowerControl);
        _asm.Mov(AX, SleepEnable);
        _asm.Out(AX);
        _asm.Jmp("stay");

        // The keyboard controller resets the machine. Where there is none, a fault without an interrupt table does.
        _asm.Label("reboot");
        Say("guest: reboot");
        _asm.Out(0x64, 0xFE);
        _asm.Lidt(At("no table"));
        _asm.Int(3);

        _asm.Label("panic");
        Say("guest: panic");
        _asm.Out(0x505, 0x01); // pvpanic: panicked
        _asm.Label("halt");
        _asm.Cli();
        _asm.Hlt();
        _asm.Jmp("halt");

        _asm.Label("mismatch");
        Say("guest: disk did not keep the count");
        _asm.Label("stay");
        _asm.Hlt();
        _asm.Jmp("stay");
    }
}
