namespace AzureIaaS.Disks.Writing;

/// <summary>A block under way from an image to a writer: its bytes, and what packing made of them. It is used for one block after another.</summary>
/// <param name="source">The image.</param>
internal sealed class PackedBlock(DiskImage source) : IDisposable
{
    private readonly PackedUnits _packed = new();
    private byte[] _bytes = [];
    private long _offset;
    private int _length;
    private bool _isZero;

    /// <summary>Reads a block of the image, and packs it.</summary>
    /// <param name="block">The block's index on the disk.</param>
    /// <param name="writer">Who packs it.</param>
    public void Fill(long block, DiskWriter writer)
    {
        if (_bytes.Length == 0)
            _bytes = GC.AllocateUninitializedArray<byte>((int)Math.Min(DiskDigest.BlockSize, source.Length));
        (_offset, _length) = (block * DiskDigest.BlockSize, DiskDigest.BlockLength(source.Length, block));
        foreach (var extent in source.GetExtents(_offset, _length))
        {
            var part = _bytes.AsSpan((int)(extent.Start - _offset), (int)extent.Length);
            if (extent.Kind == DiskExtentKind.Data)
                source.Read(extent.Start, part);
            else
                part.Clear();
        }

        var bytes = _bytes.AsSpan(0, _length);
        _isZero = DiskWriter.IsZero(bytes);
        if (!_isZero)
            writer.Pack(bytes, _packed);
    }

    /// <summary>Has the block written.</summary>
    /// <param name="writer">By whom.</param>
    public void Commit(DiskWriter writer)
    {
        if (!_isZero)
            writer.Commit(_offset, _bytes.AsSpan(0, _length), _packed);
    }

    /// <inheritdoc/>
    public void Dispose() => _packed.Dispose();
}
