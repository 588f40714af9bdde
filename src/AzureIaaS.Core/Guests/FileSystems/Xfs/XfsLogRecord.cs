using System.Buffers.Binary;
using AzureIaaS.Disks;

namespace AzureIaaS.Guests.FileSystems.Xfs;

/// <summary>A record of the log (xlog_rec_header, and xlog_rec_ext_header for each further 32 KiB): what one buffer held when it was written.</summary>
internal sealed class XfsLogRecord
{
    /// <summary>What it begins with (XLOG_HEADER_MAGIC_NUM).</summary>
    public const uint Magic = 0xFEEDBABE;

    /// <summary>The log's unit, in bytes.</summary>
    public const int BasicBlock = 512;

    /// <summary>How long a record can be, in bytes (XLOG_MAX_RECORD_BSIZE).</summary>
    public const int MaxLength = 256 << 10;

    private const int HeaderCovers = 32 << 10;
    private const int CyclesPerHeader = HeaderCovers / BasicBlock;
    private const int CyclesAt = 44;
    private const int ExtendedCyclesAt = 4;
    private const int ExtendedSize = ExtendedCyclesAt + (CyclesPerHeader * sizeof(uint));
    private const int ChecksumAt = 32;
    private const int Version2 = 2;
    private const uint LinuxLittleEndian = 1;
    private const byte UnmountFlag = 0x20;

    // The header is of 324 bytes; where the kernel's longs are of 64 bits, its checksum covers four more.
    private static readonly int[] HeaderSizes = [328, 324];

    private readonly XfsLogBlocks _blocks;
    private readonly byte[] _header;

    /// <summary>Reads a record's header.</summary>
    /// <param name="blocks">The log.</param>
    /// <param name="at">Its block.</param>
    /// <exception cref="FileSystemException">There is no record.</exception>
    public XfsLogRecord(XfsLogBlocks blocks, long at)
    {
        (_blocks, At, _header) = (blocks, at, blocks.Read(at, 1));
        if (Be.U32(_header, 0) != Magic)
            throw Damaged();
        var size = (Be.U32(_header, 8) & Version2) != 0 ? Be.U32(_header, 320) : 0;
        var length = Be.U32(_header, 12);
        if (size > MaxLength || length > MaxLength)
            throw Damaged();
        Headers = Math.Max(1, (int)((size + HeaderCovers - 1) / HeaderCovers));
        Length = (int)length;
    }

    /// <summary>The block it begins in.</summary>
    public long At { get; }

    /// <summary>How many blocks it has.</summary>
    public int Blocks => Headers + DataBlocks;

    /// <summary>The block of the oldest record that was still needed when it was written.</summary>
    public long Tail => Be.U32(_header, 28);

    /// <summary>How many operations are in it.</summary>
    public uint Operations => Be.U32(_header, 40);

    /// <summary>The UUID of the file system it belongs to.</summary>
    public string FileSystemId => new Guid(_header.AsSpan(304, 16), bigEndian: true).ToString();

    /// <summary>Whether it was written by a computer whose numbers are little-endian.</summary>
    public bool IsLittleEndian => Be.U32(_header, 300) == LinuxLittleEndian;

    /// <summary>Whether it is what an unmount leaves. An operation's header: its transaction (4), length (4), client (1), flags (1).</summary>
    public bool IsUnmount => Operations == 1 && (_blocks.Read(At + Headers, 1)[9] & UnmountFlag) != 0;

    private int Headers { get; }

    private int Length { get; }

    private int DataBlocks => (Length + BasicBlock - 1) / BasicBlock;

    /// <summary>Whether all of it was written: its checksum, where it has one.</summary>
    public bool IsWhole()
    {
        var expected = Le.U32(_header, ChecksumAt);
        return expected == 0 || HeaderSizes.Any(size => Checksum(size) == expected);
    }

    /// <summary>
    /// Its operations, as they were before every block's first four bytes were replaced by the number of the log's round.
    /// </summary>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public byte[] Content()
    {
        if (DataBlocks > Headers * CyclesPerHeader)
            throw Damaged();
        var extended = _blocks.Read(At, Headers);
        var data = _blocks.Read(At + Headers, DataBlocks);
        for (var i = 0; i < DataBlocks; i++)
        {
            var (header, within) = Math.DivRem(i, CyclesPerHeader);
            extended.AsSpan((header * BasicBlock) + (header == 0 ? CyclesAt : ExtendedCyclesAt) + (within * sizeof(uint)), sizeof(uint)).CopyTo(data.AsSpan(i * BasicBlock));
        }

        return data[..Length];
    }

    private static FileSystemException Damaged() => new("its log is damaged");

    private uint Checksum(int headerSize)
    {
        var header = _header.AsSpan(0, headerSize).ToArray();
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(ChecksumAt), 0);
        var crc = Crc32.Castagnoli(uint.MaxValue, header);
        var extended = _blocks.Read(At, Headers);
        for (var i = 1; i < Math.Min(Headers, (Length + HeaderCovers - 1) / HeaderCovers); i++)
            crc = Crc32.Castagnoli(crc, extended.AsSpan(i * BasicBlock, ExtendedSize));
        return ~Crc32.Castagnoli(crc, _blocks.Read(At + Headers, DataBlocks).AsSpan(0, Length));
    }
}
