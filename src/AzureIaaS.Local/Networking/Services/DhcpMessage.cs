using System.Buffers.Binary;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>What a DHCP message is for (RFC 2132, section 9.6).</summary>
internal enum DhcpType : byte
{
    /// <summary>None.</summary>
    None,

    /// <summary>A client looks for servers.</summary>
    Discover,

    /// <summary>A server offers an address.</summary>
    Offer,

    /// <summary>A client wants an address, or goes on with one.</summary>
    Request,

    /// <summary>A client has found that another uses the address.</summary>
    Decline,

    /// <summary>The server gives the address.</summary>
    Ack,

    /// <summary>The server refuses it.</summary>
    Nak,

    /// <summary>A client needs the address no more.</summary>
    Release,

    /// <summary>A client that has an address asks for the rest.</summary>
    Inform,
}

/// <summary>A client's DHCP message (RFC 2131, section 2), as far as a server needs it.</summary>
internal readonly ref struct DhcpMessage
{
    /// <summary>The length of what comes before the options, their cookie included.</summary>
    public const int Fixed = 240;

    private const uint Cookie = 0x63825363;

    public byte Operation { get; private init; }

    public uint TransactionId { get; private init; }

    /// <summary>Whether the client cannot take a unicast before it has its address.</summary>
    public bool WantsBroadcast { get; private init; }

    public uint ClientAddress { get; private init; }

    public uint RelayAddress { get; private init; }

    public ulong Mac { get; private init; }

    public DhcpType Type { get; private init; }

    /// <summary>The address it asks for (option 50); 0 for none.</summary>
    public uint RequestedAddress { get; private init; }

    /// <summary>The server it has chosen (option 54); 0 for none.</summary>
    public uint Server { get; private init; }

    /// <summary>Reads a message.</summary>
    /// <returns>False when it is none, or not whole.</returns>
    public static bool TryRead(ReadOnlySpan<byte> data, out DhcpMessage message)
    {
        message = default;
        // Ethernet, addresses of six bytes, and options at all: older than that is BOOTP.
        if (data.Length < Fixed || data[1] != 1 || data[2] != 6 || BinaryPrimitives.ReadUInt32BigEndian(data[236..]) != Cookie)
            return false;
        var options = data[Fixed..];
        var (type, requested, server) = (DhcpType.None, 0u, 0u);
        while (options.Length > 0 && options[0] != 255)
        {
            if (options[0] == 0)
            {
                options = options[1..];
                continue;
            }

            if (options.Length < 2 || options.Length < 2 + options[1])
                return false;
            var value = options.Slice(2, options[1]);
            switch (options[0], value.Length)
            {
                case (53, 1) when value[0] <= (byte)DhcpType.Inform:
                    type = (DhcpType)value[0];
                    break;
                case (50, 4):
                    requested = BinaryPrimitives.ReadUInt32BigEndian(value);
                    break;
                case (54, 4):
                    server = BinaryPrimitives.ReadUInt32BigEndian(value);
                    break;
            }

            options = options[(2 + value.Length)..];
        }

        message = new DhcpMessage
        {
            Operation = data[0],
            TransactionId = BinaryPrimitives.ReadUInt32BigEndian(data[4..]),
            WantsBroadcast = (data[10] & 0x80) != 0,
            ClientAddress = BinaryPrimitives.ReadUInt32BigEndian(data[12..]),
            RelayAddress = BinaryPrimitives.ReadUInt32BigEndian(data[24..]),
            Mac = Wire.Frame.Mac(data[28..]),
            Type = type,
            RequestedAddress = requested,
            Server = server,
        };
        return true;
    }

    /// <summary>Begins an answer to this message: all but the options.</summary>
    /// <param name="data">Receives it; cleared first.</param>
    /// <param name="yourAddress">The address that the client is given; 0 for none.</param>
    public void WriteAnswer(Span<byte> data, uint yourAddress)
    {
        data.Clear();
        (data[0], data[1], data[2]) = (2, 1, 6);
        BinaryPrimitives.WriteUInt32BigEndian(data[4..], TransactionId);
        data[10] = (byte)(WantsBroadcast ? 0x80 : 0);
        BinaryPrimitives.WriteUInt32BigEndian(data[12..], ClientAddress);
        BinaryPrimitives.WriteUInt32BigEndian(data[16..], yourAddress);
        Wire.Frame.WriteMac(data[28..], Mac);
        BinaryPrimitives.WriteUInt32BigEndian(data[236..], Cookie);
    }
}

/// <summary>Writes DHCP options (RFC 2132) one after another.</summary>
internal ref struct DhcpOptions(Span<byte> data)
{
    private readonly Span<byte> _data = data;

    public int Length { get; private set; }

    public void Add(byte option, uint value)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, value);
        Add(option, bytes);
    }

    public void Add(byte option, string text)
    {
        Span<byte> bytes = stackalloc byte[255];
        Add(option, bytes[..System.Text.Encoding.ASCII.GetBytes(text, bytes)]);
    }

    public void Add(byte option, scoped ReadOnlySpan<byte> value)
    {
        (_data[Length], _data[Length + 1]) = (option, (byte)value.Length);
        value.CopyTo(_data[(Length + 2)..]);
        Length += 2 + value.Length;
    }

    public void End() => _data[Length++] = 255;
}
