using System.Buffers.Binary;
using AzureIaaS.Disks.Vmdk;

namespace AzureIaaS.Disks.Writing;

/// <summary>
/// A monolithicSparse VMDK: header, descriptor, two grain directories with all their tables, grains of 64 KiB.
/// </summary>
internal sealed class VmdkSparseWriter : DiskWriter
{
    private const int SectorSize = 512;
    private const int GrainSectors = 128;
    private const int GrainSize = GrainSectors * SectorSize;
    private const int TableEntries = 512;
    private const int TableSectors = TableEntries * sizeof(uint) / SectorSize;

    private readonly string _name;
    private readonly long _length;
    private readonly long _directorySectors;
    private readonly byte[] _tables;
    private readonly long _overHead;
    private long _end;

    /// <summary>Begins a disk.</summary>
    /// <param name="file">The file.</param>
    /// <param name="length">The disk's length in bytes, a multiple of 512.</param>
    public VmdkSparseWriter(OutputFile file, long length)
        : base(file)
    {
        _name = Path.GetFileName(file.Path);
        _length = length;
        var tables = (length + ((long)GrainSize * TableEntries) - 1) / ((long)GrainSize * TableEntries);
        _directorySectors = ((tables * sizeof(uint)) + SectorSize - 1) / SectorSize;
        _tables = new byte[tables * TableSectors * SectorSize];
        var metadata = 1 + DescriptorText.Sectors + (2 * (_directorySectors + (tables * TableSectors)));
        _overHead = (metadata + GrainSectors - 1) / GrainSectors * GrainSectors;
        _end = _overHead;
    }

    /// <inheritdoc/>
    public override void Commit(long offset, ReadOnlySpan<byte> block, PackedUnits packed)
    {
        // Neighbouring grains are written together.
        var run = 0;
        for (var at = 0; at <= block.Length; at += GrainSize)
        {
            var isData = at < block.Length && !IsZero(block.Slice(at, Math.Min(GrainSize, block.Length - at)));
            if (isData)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(_tables.AsSpan((int)((offset + at) / GrainSize) * sizeof(uint)),
                    checked((uint)(_end + ((at - run) / SectorSize))));
                continue;
            }

            if (at > run)
            {
                File.Write(_end * SectorSize, block[run..at]);
                _end += (at - run) / SectorSize;
            }

            run = at + GrainSize;
        }

        if (run < block.Length)
        {
            // The disk ends within a grain, which the file has whole.
            File.Write(_end * SectorSize, block[run..]);
            _end += (block.Length - run + GrainSize - 1) / GrainSize * GrainSectors;
        }
    }

    /// <inheritdoc/>
    protected override void WriteTables()
    {
        const long rgdOffset = 1 + DescriptorText.Sectors;
        var gdOffset = rgdOffset + _directorySectors + (_tables.Length / SectorSize);
        File.SetLength(_end * SectorSize);
        File.Write(0, SparseExtentHeader.Make(1, isStream: false, (ulong)(_length / SectorSize), GrainSectors, DescriptorText.Sectors, rgdOffset, (ulong)gdOffset, (ulong)_overHead));
        File.Write(SectorSize, DescriptorText.Make("monolithicSparse", _name, _length / SectorSize));
        foreach (var at in new[] { rgdOffset, gdOffset })
        {
            var directory = new byte[_directorySectors * SectorSize];
            for (var table = 0; table < _tables.Length / (TableSectors * SectorSize); table++)
                BinaryPrimitives.WriteUInt32LittleEndian(directory.AsSpan(table * sizeof(uint)), (uint)(at + _directorySectors + (table * TableSectors)));
            File.Write(at * SectorSize, directory);
            WriteSparse((at + _directorySectors) * SectorSize, _tables);
        }
    }
}
