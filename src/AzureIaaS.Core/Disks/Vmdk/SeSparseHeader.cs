using System.Buffers.Binary;

namespace AzureIaaS.Disks.Vmdk;

/// <summary>The constant header of a space-efficient sparse extent of ESXi (QEMU block/vmdk.c, VMDKSESparseConstHeader); numbers are little-endian, in sectors.</summary>
internal sealed class SeSparseHeader
{
    /// <summary>How long the header is.</summary>
    public const int Size = 512;

    /// <summary>The only version there is: 2.1.</summary>
    public const ulong KnownVersion = 0x0000_0002_0000_0001;

    private const ulong ConstMagic = 0xCAFE_BABE;
    private const ulong VolatileMagic = 0xCAFE_CAFE;

    private SeSparseHeader(ReadOnlySpan<byte> bytes)
    {
        Version = U64(bytes, 8);
        Capacity = U64(bytes, 16);
        GrainSize = U64(bytes, 24);
        GrainTableSize = U64(bytes, 32);
        VolatileHeaderOffset = U64(bytes, 80);
        GrainDirOffset = U64(bytes, 128);
        GrainDirSize = U64(bytes, 136);
        GrainTablesOffset = U64(bytes, 144);
        GrainTablesSize = U64(bytes, 152);
        GrainsOffset = U64(bytes, 192);
    }

    public ulong Version { get; }

    public ulong Capacity { get; }

    public ulong GrainSize { get; }

    public ulong GrainTableSize { get; }

    /// <summary>Where the header is that changes while the disk is in use.</summary>
    public ulong VolatileHeaderOffset { get; }

    public ulong GrainDirOffset { get; }

    public ulong GrainDirSize { get; }

    public ulong GrainTablesOffset { get; }

    public ulong GrainTablesSize { get; }

    public ulong GrainsOffset { get; }

    /// <summary>Reads a header; null if it is none. It has no checksum.</summary>
    /// <param name="bytes">Its 512 bytes.</param>
    public static SeSparseHeader? Parse(ReadOnlySpan<byte> bytes) => U64(bytes, 0) == ConstMagic ? new SeSparseHeader(bytes) : null;

    /// <summary>Whether a volatile header says that a journal has to be replayed; null if it is none.</summary>
    /// <param name="bytes">Its 512 bytes.</param>
    public static bool? NeedsReplay(ReadOnlySpan<byte> bytes) => U64(bytes, 0) == VolatileMagic ? bytes[24] != 0 : null;

    private static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(bytes[at..]);
}
