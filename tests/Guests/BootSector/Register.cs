namespace AzureIaaS.Guests.Testing.BootSector;

/// <summary>A register of the processor: its number as instructions encode it, and its width in bits.</summary>
internal readonly record struct Register(byte Number, int Bits)
{
    public static readonly Register AL = new(0, 8), CL = new(1, 8), DL = new(2, 8), BL = new(3, 8);
    public static readonly Register AH = new(4, 8), CH = new(5, 8), DH = new(6, 8), BH = new(7, 8);

    public static readonly Register AX = new(0, 16), CX = new(1, 16), DX = new(2, 16), BX = new(3, 16);
    public static readonly Register SP = new(4, 16), BP = new(5, 16), SI = new(6, 16), DI = new(7, 16);

    public static readonly Register EAX = new(0, 32), ECX = new(1, 32), EDX = new(2, 32), EBX = new(3, 32);
    public static readonly Register ESP = new(4, 32), EBP = new(5, 32), ESI = new(6, 32), EDI = new(7, 32);
}

/// <summary>A segment register, numbered as instructions encode it.</summary>
internal enum Segment : byte
{
    ES = 0,
    SS = 2,
    DS = 3,
}

/// <summary>When a conditional jump jumps, numbered as instructions encode it.</summary>
internal enum When : byte
{
    Below = 2,
    AboveOrEqual = 3,
    Equal = 4,
    NotEqual = 5,

    /// <summary>The carry flag is set, which is how the BIOS reports a failure.</summary>
    Failed = Below,
    Zero = Equal,
    NotZero = NotEqual,
}

/// <summary>What is in memory at an address, in the segment that DS selects: at a label, or at a number.</summary>
/// <param name="Label">The label; none where the address is a number.</param>
/// <param name="Offset">Added to the label's address; without a label, the address itself.</param>
internal readonly record struct Memory(string? Label, int Offset)
{
    public static Memory At(string label, int offset = 0) => new(label, offset);

    public static Memory At(int address) => new(null, address);
}
