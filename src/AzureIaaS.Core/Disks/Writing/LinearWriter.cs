using AzureIaaS.Providers;

namespace AzureIaaS.Disks.Writing;

/// <summary>The disk's bytes as they are, and perhaps something behind them: raw, and a fixed VHD. It can be the target of a plain copy.</summary>
internal abstract class LinearWriter : DiskWriter, ICloneTarget
{
    private protected LinearWriter(OutputFile file, long length)
        : base(file)
    {
        Length = length;
        file.SetLength(length);
    }

    /// <summary>The disk's length in bytes.</summary>
    protected long Length { get; }

    /// <inheritdoc/>
    public override void Commit(long offset, ReadOnlySpan<byte> block, PackedUnits packed) => WriteSparse(offset, block);

    /// <inheritdoc/>
    public bool TryClone(string path) => File.TryClone(path);

    /// <inheritdoc/>
    public ValueTask WriteAsync(long offset, ReadOnlyMemory<byte> data, CancellationToken cancellation)
    {
        File.Write(offset, data.Span);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask ReadAsync(long offset, Memory<byte> buffer, CancellationToken cancellation)
    {
        File.Read(offset, buffer.Span);
        return ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask FlushAsync(CancellationToken cancellation) => ValueTask.CompletedTask;

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return ValueTask.CompletedTask;
    }
}
