using System.Buffers.Binary;
using AzureIaaS.Guests.Testing.BootSector;

namespace AzureIaaS.Guests.Testing;

/// <summary>
/// The smallest guest that does what tests look for: it counts its boots on its own disk, ticks on the serial console and powers off
/// cleanly. It boots from a BIOS in about a second, from any disk that the BIOS can read, and needs nothing but QEMU.
/// </summary>
/// <remarks>
/// On COM1, lines ending in CR LF: <c>guest: boot N</c>, <c>guest: ready</c>, then <c>guest: tick M</c> about every quarter of a
/// second; <c>guest: power button</c> before it powers off. A disk that fails says <c>guest: disk failed E</c>, E being the BIOS's
/// error number. The BIOS offers no way to flush a disk's cache. On an IDE and on a virtio-blk disk writes go through it, so what
/// has been counted or acknowledged survives the death of QEMU, whatever image it is in. On AHCI, NVMe and SCSI disks they do not:
/// there a qcow2 image loses them with QEMU, as its tables are written at a flush, and a raw one does not.
/// </remarks>
public static class BootSectorGuest
{
    /// <summary>How long the disk is made unless another length is asked for, in bytes.</summary>
    public const long DefaultLength = 1 << 20;

    /// <summary>Where the number of boots is on the disk, in bytes: 32 bits, little-endian.</summary>
    public const long BootCountOffset = BootSectorProgram.BootCountSector * SectorSize;

    /// <summary>Where a guest that writes every tick keeps the last one's number on the disk, in bytes: 32 bits, little-endian.</summary>
    public const long WriteCountOffset = BootSectorProgram.WriteCountSector * SectorSize;

    /// <summary>Where the only partition starts, in bytes; it ends with the disk. A guest that fills its disk fills this.</summary>
    public const long PartitionOffset = BootSectorProgram.PartitionSector * SectorSize;

    internal const int PartitionEntry = 446;
    internal const int MaxProgramLength = 2048;

    private const int SectorSize = 512;
    private const int DiskSignature = 440;
    private const byte NonFileSystemData = 0xDA;

    /// <summary>Makes a raw, sparse disk with the guest on it.</summary>
    /// <param name="path">The file to make; one that exists is replaced.</param>
    /// <param name="options">What the guest does; by default it counts boots, ticks and heeds the power button.</param>
    /// <param name="length">The disk's length in bytes: whole sectors, 128 KiB or more.</param>
    public static void Create(string path, BootSectorOptions? options = null, long length = DefaultLength)
    {
        var head = Head(options ?? new BootSectorOptions(), length);
        using var file = new FileStream(path, FileMode.Create, FileAccess.Write);
        file.Write(head);
        file.SetLength(length);
    }

    /// <summary>The first bytes of a disk with the guest on it; all that follows is zeros.</summary>
    /// <param name="options">What the guest does.</param>
    /// <param name="length">The disk's length in bytes.</param>
    public static byte[] Head(BootSectorOptions options, long length)
    {
        ArgumentNullException.ThrowIfNull(options);
        ArgumentOutOfRangeException.ThrowIfLessThan(length, 2 * PartitionOffset);
        ArgumentOutOfRangeException.ThrowIfNotEqual(length % SectorSize, 0, nameof(length));
        var head = BootSectorProgram.Assemble(options);
        if (head.Length > MaxProgramLength)
            throw new InvalidOperationException($"The guest's program is {head.Length} bytes long; {MaxProgramLength} are loaded.");

        var sector = head.AsSpan(0, SectorSize);
        if (sector[DiskSignature..].ContainsAnyExcept((byte)0))
            throw new InvalidOperationException("The guest's first sector leaves no room for the partition table.");
        BinaryPrimitives.WriteUInt32LittleEndian(sector[DiskSignature..], 0x53494147);
        WritePartition(sector.Slice(PartitionEntry, 16), (length - PartitionOffset) / SectorSize);
        sector[510] = 0x55;
        sector[511] = 0xAA;
        return head;
    }

    /// <summary>How often the guest on a raw disk has booted.</summary>
    /// <param name="path">The disk; it may be in use by a running machine.</param>
    public static uint ReadBootCount(string path) => ReadNumber(path, BootCountOffset);

    /// <summary>The number of the last tick that a guest which writes every tick has written to its raw disk.</summary>
    /// <param name="path">The disk; it may be in use by a running machine.</param>
    public static uint ReadWriteCount(string path) => ReadNumber(path, WriteCountOffset);

    private static void WritePartition(Span<byte> entry, long sectors)
    {
        entry[0] = 0x80; // active
        // Cylinders, heads and sectors say what they say where they cannot say: look at the sector numbers.
        entry[1..4].Fill(0xFF);
        entry[4] = NonFileSystemData;
        entry[5..8].Fill(0xFF);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[8..], BootSectorProgram.PartitionSector);
        BinaryPrimitives.WriteUInt32LittleEndian(entry[12..], (uint)Math.Min(sectors, uint.MaxValue));
    }

    private static uint ReadNumber(string path, long offset)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        Span<byte> number = stackalloc byte[4];
        file.Position = offset;
        file.ReadExactly(number);
        return BinaryPrimitives.ReadUInt32LittleEndian(number);
    }
}
