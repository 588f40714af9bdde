using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Guests.Testing.BootSector;

/// <summary>
/// As much of an assembler for the 80386 in real mode as a boot sector needs: each method appends one instruction. A label may be used
/// before it is defined; <see cref="Assemble"/> fills its address in. Jumps are always near ones (16-bit displacements), so that
/// no instruction's length depends on where its target is.
/// </summary>
internal sealed class Assembler(ushort origin)
{
    private const byte OperandSizePrefix = 0x66;

    private readonly List<byte> _code = [];
    private readonly Dictionary<string, int> _labels = [];
    private readonly List<(int Position, string Label, int Offset, bool Relative)> _fixups = [];

    /// <summary>How many bytes have been emitted.</summary>
    public int Length => _code.Count;

    /// <summary>What has been emitted, with every label's address in its places.</summary>
    public byte[] Assemble()
    {
        var image = _code.ToArray();
        foreach (var (position, label, offset, relative) in _fixups)
        {
            if (!_labels.TryGetValue(label, out var target))
                throw new InvalidOperationException($"The label '{label}' is used and nowhere defined.");
            // A jump counts from the end of its displacement.
            var value = relative ? target - (position + 2) : origin + target + offset;
            BinaryPrimitives.WriteUInt16LittleEndian(image.AsSpan(position), unchecked((ushort)value));
        }

        return image;
    }

    // Places and data

    public void Label(string name)
    {
        if (!_labels.TryAdd(name, Length))
            throw new InvalidOperationException($"The label '{name}' is defined twice.");
    }

    /// <summary>Fills with zeros up to a distance from the start.</summary>
    public void PadTo(int length)
    {
        if (Length > length)
            throw new InvalidOperationException($"The code is {Length} bytes long and must end at {length}.");
        _code.AddRange(new byte[length - Length]);
    }

    public void Byte(params ReadOnlySpan<byte> values) => _code.AddRange(values);

    public void Word(int value) => Immediate(value, 16);

    public void Word(string label) => Address(Memory.At(label));

    public void DoubleWord(uint value) => Immediate(unchecked((int)value), 32);

    /// <summary>Text in ASCII with a zero byte at its end.</summary>
    public void Text(string text) => Byte([.. Encoding.ASCII.GetBytes(text), 0]);

    // Moving

    public void Mov(Register to, int value)
    {
        Prefix(to.Bits);
        Byte((byte)((to.Bits == 8 ? 0xB0 : 0xB8) + to.Number));
        Immediate(value, to.Bits);
    }

    /// <summary>Loads a label's address, not what is there.</summary>
    public void Mov(Register to, string label)
    {
        Byte((byte)(0xB8 + Require(to, 16).Number));
        Address(Memory.At(label));
    }

    public void Mov(Register to, Register from) => Registers(0x88, to, from);

    public void Mov(Register to, Memory from) => RegisterAndMemory(0x8A, to, from);

    public void Mov(Memory to, Register from) => RegisterAndMemory(0x88, from, to);

    public void Mov(Segment to, Register from) => Byte(0x8E, ModRm(3, (byte)to, Require(from, 16).Number));

    public void Push(Register register)
    {
        Prefix(register.Bits);
        Byte((byte)(0x50 + register.Number));
    }

    public void Pop(Register register)
    {
        Prefix(register.Bits);
        Byte((byte)(0x58 + register.Number));
    }

    /// <summary>Pushes all eight 32-bit registers.</summary>
    public void PushAll() => Byte(OperandSizePrefix, 0x60);

    public void PopAll() => Byte(OperandSizePrefix, 0x61);

    /// <summary>Loads AL from where SI points and moves SI on.</summary>
    public void LoadByte() => Byte(0xAC);

    /// <summary>Stores AX, CX times, from ES:DI on.</summary>
    public void RepeatStoreWord() => Byte(0xF3, 0xAB);

    // Reckoning

    public void Add(Register to, int value) => Arithmetic(0, to, value);

    public void Add(Register to, Register value) => Registers(0x00, to, value);

    public void Add(Memory to, Register value) => RegisterAndMemory(0x00, value, to);

    public void And(Register to, int value) => Arithmetic(4, to, value);

    public void Or(Register to, int value) => Arithmetic(1, to, value);

    public void Sub(Register to, Register value) => Registers(0x28, to, value);

    public void Sub(Register to, Memory value) => RegisterAndMemory(0x2A, to, value);

    public void Sub(Memory to, Register value) => RegisterAndMemory(0x28, value, to);

    public void Xor(Register to, Register value) => Registers(0x30, to, value);

    public void Inc(Register register)
    {
        Prefix(Require(register, 16, 32).Bits);
        Byte((byte)(0x40 + register.Number));
    }

    /// <summary>Adds one to the 32-bit number in memory.</summary>
    public void Inc(Memory number)
    {
        Byte(OperandSizePrefix, 0xFF, ModRm(0, 0, 6));
        Address(number);
    }

    /// <summary>Divides EDX:EAX by a register: the quotient to EAX, the remainder to EDX.</summary>
    public void Div(Register by) => Byte(OperandSizePrefix, 0xF7, ModRm(3, 6, Require(by, 32).Number));

    public void Cmp(Register left, int right) => Arithmetic(7, left, right);

    public void Cmp(Register left, Register right) => Registers(0x38, left, right);

    public void Cmp(Register left, Memory right) => RegisterAndMemory(0x3A, left, right);

    public void Test(Register left, Register right) => Registers(0x84, left, right);

    public void Test(Register left, int bits)
    {
        Prefix(left.Bits);
        Byte(left.Bits == 8 ? (byte)0xF6 : (byte)0xF7, ModRm(3, 0, left.Number));
        Immediate(bits, left.Bits);
    }

    // Going elsewhere

    public void Jmp(string label)
    {
        Byte(0xE9);
        Relative(label);
    }

    /// <summary>Jumps to a label in segment zero, so that the code segment is known from there on.</summary>
    public void JmpFar(string label)
    {
        Byte(0xEA);
        Address(Memory.At(label));
        Word(0);
    }

    public void Jmp(When condition, string label)
    {
        Byte(0x0F, (byte)(0x80 + (byte)condition));
        Relative(label);
    }

    public void Call(string label)
    {
        Byte(0xE8);
        Relative(label);
    }

    public void Ret() => Byte(0xC3);

    public void Int(byte vector) => Byte(0xCD, vector);

    // The processor and its ports

    public void Cli() => Byte(0xFA);

    public void Sti() => Byte(0xFB);

    public void Cld() => Byte(0xFC);

    public void Hlt() => Byte(0xF4);

    /// <summary>Loads the interrupt table's place and length from memory.</summary>
    public void Lidt(Memory table)
    {
        Byte(0x0F, 0x01, ModRm(0, 3, 6));
        Address(table);
    }

    /// <summary>Reads AL or AX from the port in DX.</summary>
    public void In(Register to) => Byte(to == Register.AL ? (byte)0xEC : to == Register.AX ? (byte)0xED : throw NoPort(to));

    /// <summary>Writes AL or AX to the port in DX.</summary>
    public void Out(Register from) => Byte(from == Register.AL ? (byte)0xEE : from == Register.AX ? (byte)0xEF : throw NoPort(from));

    /// <summary>Writes a byte to a port, by way of AL and DX.</summary>
    public void Out(int port, byte value)
    {
        Mov(Register.DX, port);
        Mov(Register.AL, value);
        Out(Register.AL);
    }

    // Encoding

    private static byte ModRm(int mode, byte register, byte operand) => (byte)((mode << 6) | (register << 3) | operand);

    private static Register Require(Register register, params ReadOnlySpan<int> bits) =>
        bits.Contains(register.Bits)
            ? register
            : throw new InvalidOperationException($"The instruction takes no {register.Bits}-bit register.");

    private static InvalidOperationException NoPort(Register register) =>
        new($"Ports are read and written by way of AL and AX, not register {register.Number} of {register.Bits} bits.");

    private void Prefix(int bits)
    {
        if (bits == 32)
            Byte(OperandSizePrefix);
    }

    /// <summary>An instruction whose lowest bit tells bytes from wider operands.</summary>
    private void Opcode(byte opcode, int bits)
    {
        Prefix(bits);
        Byte((byte)(opcode | (bits == 8 ? 0 : 1)));
    }

    private void Registers(byte opcode, Register to, Register from)
    {
        Opcode(opcode, Require(to, from.Bits).Bits);
        Byte(ModRm(3, from.Number, to.Number));
    }

    private void RegisterAndMemory(byte opcode, Register register, Memory memory)
    {
        Opcode(opcode, register.Bits);
        Byte(ModRm(0, register.Number, 6));
        Address(memory);
    }

    private void Arithmetic(byte operation, Register to, int value)
    {
        Opcode(0x80, to.Bits);
        Byte(ModRm(3, operation, to.Number));
        Immediate(value, to.Bits);
    }

    private void Immediate(int value, int bits)
    {
        for (var shift = 0; shift < bits; shift += 8)
            Byte((byte)(value >> shift));
    }

    private void Address(Memory memory)
    {
        if (memory.Label is { } label)
            _fixups.Add((Length, label, memory.Offset, false));
        Word(memory.Offset);
    }

    private void Relative(string label)
    {
        _fixups.Add((Length, label, 0, true));
        Word(0);
    }
}
