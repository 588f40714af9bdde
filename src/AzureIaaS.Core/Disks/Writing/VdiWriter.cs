using System.Buffers.Binary;
using AzureIaaS.Disks.Vdi;

namespace AzureIaaS.Disks.Writing;

/// <summary>A dynamic VDI: header, block map, blocks of 1 MiB.</summary>
internal sealed class VdiWriter : DiskWriter
{
    private const int BlockSize = 1 << 20;
    private const int MapAt = 1 << 20;

    private readonly long _length;
    private readonly byte[] _map;
    private readonly long _dataAt;
    private uint _allocated;

    /// <summary>Begins a disk.</summary>
    /// <param name="file">The file.</param>
    /// <param name="length">The disk's length in bytes.</param>
    public VdiWriter(OutputFile file, long length)
        : base(file)
    {
        _length = length;
        _map = new byte[(length + BlockSize - 1) / BlockSize * sizeof(uint)];
        _map.AsSpan().Fill(0xFF);
        _dataAt = (MapAt + _map.Length + BlockSize - 1) / BlockSize * BlockSize;
    }

    /// <inheritdoc/>
    public override void Commit(long offset, ReadOnlySpan<byte> block, PackedUnits packed)
    {
        for (var at = 0; at < block.Length; at += BlockSize)
        {
            var part = block.Slice(at, Math.Min(BlockSize, block.Length - at));
            if (IsZero(part))
                continue;
            BinaryPrimitives.WriteUInt32LittleEndian(_map.AsSpan((int)((offset + at) / BlockSize) * sizeof(uint)), _allocated);
            WriteSparse(_dataAt + ((long)_allocated * BlockSize), part);
            _allocated++;
        }
    }

    /// <inheritdoc/>
    protected override void WriteTables()
    {
        File.SetLength(_dataAt + ((long)_allocated * BlockSize));
        File.Write(0, VdiHeader.Make(_length, BlockSize, MapAt, (uint)_dataAt, _allocated, Guid.NewGuid()));
        File.Write(MapAt, _map);
    }
}
