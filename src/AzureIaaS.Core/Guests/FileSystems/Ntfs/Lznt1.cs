namespace AzureIaaS.Guests.FileSystems.Ntfs;

/// <summary>Undoes LZNT1 compression ([MS-XCA], section 2.5): chunks of 4 KiB, each compressed for itself.</summary>
internal static class Lznt1
{
    private const int ChunkSize = 4096;

    /// <summary>Fills the buffer from compressed bytes; what they do not reach is zero.</summary>
    /// <param name="packed">The compressed bytes; what follows their end is not looked at.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    /// <exception cref="FileSystemException">They are damaged.</exception>
    public static void Inflate(ReadOnlySpan<byte> packed, Span<byte> buffer)
    {
        buffer.Clear();
        for (var at = 0; !buffer.IsEmpty && at <= packed.Length - 2;)
        {
            int header = Le.U16(packed, at);
            if (header == 0)
                return;
            var size = (header & 0xFFF) + 1;
            if (size > packed.Length - at - 2)
                throw Damaged();
            var bytes = packed.Slice(at + 2, size);
            var chunk = buffer[..Math.Min(ChunkSize, buffer.Length)];
            if ((header & 0x8000) != 0)
                InflateChunk(bytes, chunk);
            else if (size <= chunk.Length)
                bytes.CopyTo(chunk);
            else
                throw Damaged();
            at += 2 + size;
            buffer = buffer[chunk.Length..];
        }
    }

    private static FileSystemException Damaged() => new("compressed data of it is damaged");

    private static void InflateChunk(ReadOnlySpan<byte> packed, Span<byte> chunk)
    {
        var (at, to) = (0, 0);
        while (at < packed.Length)
        {
            var flags = packed[at++];
            for (var bit = 0; bit < 8 && at < packed.Length; bit++)
            {
                if ((flags & (1 << bit)) == 0)
                {
                    if (to >= chunk.Length)
                        throw Damaged();
                    chunk[to++] = packed[at++];
                    continue;
                }

                // The further into the chunk, the more bits say how far back, and the fewer how many.
                int token = Le.U16(packed, at), lengthBits = 12;
                at += 2;
                for (var i = to - 1; i >= 0x10; i >>= 1)
                    lengthBits--;
                var (back, length) = ((token >> lengthBits) + 1, (token & ((1 << lengthBits) - 1)) + 3);
                if (back > to || length > chunk.Length - to)
                    throw Damaged();
                for (; length > 0; length--, to++)
                    chunk[to] = chunk[to - back];
            }
        }
    }
}
