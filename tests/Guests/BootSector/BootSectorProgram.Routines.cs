using static AzureIaaS.Guests.Testing.BootSector.Memory;
using static AzureIaaS.Guests.Testing.BootSector.Register;

namespace AzureIaaS.Guests.Testing.BootSector;

/// <content>What the program calls: the optional work of a turn of its loop, the disk, the console, and its data.</content>
internal sealed partial class BootSectorProgram
{
    private void Echo()
    {
        _asm.Mov(DX, LineStatus);
        _asm.In(AL);
        _asm.Test(AL, DataReady);
        _asm.Jmp(When.Zero, "nothing came");
        _asm.Mov(DX, Com1);
        _asm.Xor(AX, AX);
        _asm.In(AL);
        _asm.Push(AX);
        _texts.Add("guest: got ");
        _asm.Mov(SI, "guest: got ");
        _asm.Call("print");
        _asm.Pop(AX);
        _asm.Cmp(AL, ' ');
        _asm.Jmp(When.Below, "got number");
        _asm.Cmp(AL, 0x7F);
        _asm.Jmp(When.AboveOrEqual, "got number");
        _asm.Call("put");
        _asm.Call("end line");
        _asm.Jmp("loop");

        _asm.Label("got number");
        _asm.Push(AX);
        _asm.Mov(AL, '#');
        _asm.Call("put");
        _asm.Pop(AX);
        _asm.And(EAX, 0xFF);
        _asm.Call("print number");
        _asm.Call("end line");
        _asm.Jmp("loop");
        _asm.Label("nothing came");
    }

    /// <summary>Writes the next piece of the partition; the partition table's copy in memory keeps what is left of it.</summary>
    private void Fill()
    {
        _asm.Mov(EAX, At(PartitionLength));
        _asm.Test(EAX, EAX);
        _asm.Jmp(When.Zero, "fill done");
        _asm.Mov(ECX, FillSectors);
        _asm.Cmp(EAX, ECX);
        _asm.Jmp(When.AboveOrEqual, "fill whole piece");
        _asm.Mov(ECX, EAX);
        _asm.Label("fill whole piece");
        _asm.Mov(At("fill packet", 2), CX);
        _asm.Mov(EBX, At(PartitionStart));
        _asm.Mov(At("fill packet", 8), EBX);
        _asm.PushAll();
        _asm.Mov(AX, Write << 8);
        _asm.Mov(DL, At("drive"));
        _asm.Mov(SI, "fill packet");
        _asm.Int(0x13);
        _asm.Mov(At("fill error"), AX);
        _asm.PopAll();
        _asm.Jmp(When.Failed, "fill failed");
        _asm.Add(At(PartitionStart), ECX);
        _asm.Sub(At(PartitionLength), ECX);
        _asm.Add(At("filled"), ECX);

        // 128 sectors of 512 bytes are 64 KiB; half the sectors are the KiB.
        _asm.Mov(EAX, At("filled"));
        _asm.Test(EAX, 127);
        _asm.Jmp(When.NotZero, "fill said");
        _asm.Xor(EDX, EDX);
        _asm.Mov(ECX, 2);
        _asm.Div(ECX);
        SayNumber("guest: wrote ");
        _asm.Label("fill said");
        _asm.Mov(EAX, At(PartitionLength));
        _asm.Test(EAX, EAX);
        _asm.Jmp(When.NotZero, "fill done");
        Say("guest: filled");
        _asm.Jmp("fill done");

        _asm.Label("fill failed");
        _asm.Xor(EAX, EAX);
        _asm.Mov(At(PartitionLength), EAX);
        _asm.Mov(AL, At("fill error", 1));
        SayNumber("guest: write failed ");
        _asm.Label("fill done");
    }

    private void DiskRoutines()
    {
        // AH says read or write, EBX which sector, DI the memory; a failure is the end.
        _asm.Label("disk");
        _asm.Mov(At("sector packet", 4), DI);
        _asm.Mov(At("sector packet", 8), EBX);
        _asm.Mov(SI, "sector packet");
        _asm.Mov(AL, 0);
        _asm.Mov(DL, At("drive"));
        _asm.Int(0x13);
        _asm.Jmp(When.Failed, "disk failed");
        _asm.Ret();

        _asm.Label("disk failed");
        _asm.Mov(CL, AH);
        _asm.Xor(EAX, EAX);
        _asm.Mov(AL, CL);
        SayNumber("guest: disk failed ");
        _asm.Jmp("stay");
    }

    private void ConsoleRoutines()
    {
        // Prints the text at SI; with EAX's decimal digits behind it, by the second entry, as a line of its own.
        _asm.Label("print");
        _asm.LoadByte();
        _asm.Test(AL, AL);
        _asm.Jmp(When.Zero, "printed");
        _asm.Call("put");
        _asm.Jmp("print");
        _asm.Label("printed");
        _asm.Ret();

        _asm.Label("print with number");
        _asm.Push(EAX);
        _asm.Call("print");
        _asm.Pop(EAX);
        _asm.Call("print number");
        _asm.Label("end line");
        _asm.Mov(AL, '\r');
        _asm.Call("put");
        _asm.Mov(AL, '\n');
        _asm.Jmp("put");

        // Digits come out last first, so each waits on the stack for those before it.
        _asm.Label("print number");
        _asm.Xor(EDX, EDX);
        _asm.Mov(ECX, 10);
        _asm.Div(ECX);
        _asm.Push(EDX);
        _asm.Test(EAX, EAX);
        _asm.Jmp(When.Zero, "print digit");
        _asm.Call("print number");
        _asm.Label("print digit");
        _asm.Pop(EAX);
        _asm.Add(AL, '0');

        // Sends AL.
        _asm.Label("put");
        if (!options.SilentConsole)
        {
            _asm.Push(AX);
            _asm.Mov(DX, LineStatus);
            _asm.Label("put waits");
            _asm.In(AL);
            _asm.Test(AL, CanTransmit);
            _asm.Jmp(When.Zero, "put waits");
            _asm.Pop(AX);
            _asm.Mov(DX, Com1);
            _asm.Out(AL);
        }

        _asm.Ret();
    }

    private void Data()
    {
        Number("ticks");
        Number("last");
        Number("filled");
        Number("fill error");
        _asm.Label("no table");
        _asm.Byte(0, 0, 0, 0, 0, 0);
        _asm.Label("sector packet");
        Packet(count: 1);
        _asm.Label("fill packet");
        Packet(segment: FillSegment);
        foreach (var text in _texts)
        {
            _asm.Label(text);
            _asm.Text(text);
        }
    }

    private void Number(string label)
    {
        _asm.Label(label);
        _asm.DoubleWord(0);
    }

    /// <summary>What the BIOS's extended reads and writes are told: how many sectors, into which memory, from which sector on.</summary>
    private void Packet(int count = 0, uint sector = 0, int offset = 0, int segment = 0)
    {
        _asm.Word(16);
        _asm.Word(count);
        _asm.Word(offset);
        _asm.Word(segment);
        _asm.DoubleWord(sector);
        _asm.DoubleWord(0);
    }

    private void ReadSector(int memory)
    {
        _asm.Mov(DI, memory);
        _asm.Mov(AH, Read);
        _asm.Call("disk");
    }

    private void Say(string text)
    {
        _texts.Add(text);
        _asm.Mov(SI, text);
        _asm.Call("print");
        _asm.Call("end line");
    }

    /// <summary>Prints a line that ends with the number in EAX.</summary>
    private void SayNumber(string text)
    {
        _texts.Add(text);
        _asm.Mov(SI, text);
        _asm.Call("print with number");
    }
}
