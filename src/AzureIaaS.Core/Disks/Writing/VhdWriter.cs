using System.Buffers.Binary;
using AzureIaaS.Disks.Vhd;

namespace AzureIaaS.Disks.Writing;

/// <summary>A fixed VHD: the disk, then the footer.</summary>
internal sealed class VhdFixedWriter(OutputFile file, long length) : LinearWriter(file, length)
{
    /// <inheritdoc/>
    protected override void WriteTables() => File.Write(Length, VhdFooter.Make(VhdDiskType.Fixed, Length, ulong.MaxValue, Guid.NewGuid()));
}

/// <summary>A dynamic VHD: a copy of the footer, the dynamic disk header, the table, blocks of 2 MiB with a bitmap before each, the footer.</summary>
internal sealed class VhdDynamicWriter : DiskWriter
{
    private const int BlockSize = 2 << 20;
    private const int BitmapSize = 512;
    private const int TableAt = VhdFooter.Size + DynamicDiskHeader.Size;
    private const int DataAlignment = 4096;

    private readonly long _length;
    private readonly byte[] _table;
    private readonly byte[] _bitmap = new byte[BitmapSize];
    private long _end;

    /// <summary>Begins a disk.</summary>
    /// <param name="file">The file.</param>
    /// <param name="length">The disk's length in bytes.</param>
    public VhdDynamicWriter(OutputFile file, long length)
        : base(file)
    {
        _length = length;
        var entries = (length + BlockSize - 1) / BlockSize;
        _table = new byte[((entries * sizeof(uint)) + VhdFooter.Size - 1) / VhdFooter.Size * VhdFooter.Size];
        _table.AsSpan().Fill(0xFF);
        _bitmap.AsSpan().Fill(0xFF);
        _end = TableAt + _table.Length;
    }

    /// <inheritdoc/>
    public override void Commit(long offset, ReadOnlySpan<byte> block, PackedUnits packed)
    {
        for (var at = 0; at < block.Length; at += BlockSize)
        {
            var part = block.Slice(at, Math.Min(BlockSize, block.Length - at));
            if (IsZero(part))
                continue;

            // The data, not the bitmap before it, starts where a physical sector does.
            var data = (_end + BitmapSize + DataAlignment - 1) / DataAlignment * DataAlignment;
            BinaryPrimitives.WriteUInt32BigEndian(_table.AsSpan((int)((offset + at) / BlockSize) * sizeof(uint)), checked((uint)((data - BitmapSize) / VhdFooter.Size)));
            File.Write(data - BitmapSize, _bitmap);
            WriteSparse(data, part);
            _end = data + BlockSize;
        }
    }

    /// <inheritdoc/>
    protected override void WriteTables()
    {
        var footer = VhdFooter.Make(VhdDiskType.Dynamic, _length, VhdFooter.Size, Guid.NewGuid());
        File.Write(0, footer);
        File.Write(VhdFooter.Size, DynamicDiskHeader.Make(TableAt, (uint)((_length + BlockSize - 1) / BlockSize), BlockSize));
        File.Write(TableAt, _table);
        File.Write(_end, footer);
    }
}
