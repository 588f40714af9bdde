using System.Globalization;

namespace AzureIaaS.Disks;

/// <summary>A file cut into chunks of one length, called FILE.000000000, FILE.000000001 and so on (OVF, DSP0243, section 7.1, ovf:chunkSize); the last may be shorter.</summary>
internal sealed class ChunkedBytes : IFileBytes
{
    private const int MaxChunks = 10_000;
    private readonly List<DiskFile> _chunks;
    private readonly long _chunkLength;

    private ChunkedBytes(List<DiskFile> chunks)
    {
        _chunks = chunks;
        _chunkLength = chunks[0].Length;
        Length = chunks.Sum(c => c.Length);
    }

    /// <inheritdoc/>
    public long Length { get; }

    /// <summary>The chunks in order.</summary>
    public IReadOnlyList<DiskFile> Chunks => _chunks;

    /// <summary>The name of a chunk.</summary>
    /// <param name="path">The whole file.</param>
    /// <param name="number">Which chunk, from 0.</param>
    public static string NameOf(string path, int number) => $"{path}.{number.ToString("D9", CultureInfo.InvariantCulture)}";

    /// <summary>Opens the chunks of a file that is not there as a whole.</summary>
    /// <param name="path">The whole file.</param>
    /// <param name="exists">Whether there is a file.</param>
    /// <exception cref="DiskImageException">One is missing or has another length than the first.</exception>
    public static ChunkedBytes Open(string path, Func<string, bool> exists)
    {
        var chunks = new List<DiskFile>();
        try
        {
            do
                chunks.Add(DiskFile.Open(NameOf(path, chunks.Count)));
            while (chunks.Count < MaxChunks && exists(NameOf(path, chunks.Count)));
            var odd = chunks.FindIndex(0, chunks.Count - 1, c => c.Length != chunks[0].Length);
            if (odd < 0 && chunks[^1].Length > chunks[0].Length)
                odd = chunks.Count - 1;
            if (odd >= 0)
            {
                throw DiskErrors.Unreadable(chunks[odd].Path, $"this chunk has {chunks[odd].Length:N0} bytes and the first has {chunks[0].Length:N0}, so part of it is missing",
                    "Copy the chunks again from where the machine was exported.");
            }

            return new ChunkedBytes(chunks);
        }
        catch
        {
            chunks.ForEach(c => c.Dispose());
            throw;
        }
    }

    /// <inheritdoc/>
    public void Read(long offset, Span<byte> buffer)
    {
        while (!buffer.IsEmpty)
        {
            var (chunk, within) = Math.DivRem(offset, _chunkLength);
            var part = buffer[..(int)Math.Min(buffer.Length, _chunks[(int)chunk].Length - within)];
            _chunks[(int)chunk].Read(within, part);
            buffer = buffer[part.Length..];
            offset += part.Length;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _chunks.ForEach(c => c.Dispose());
}
