namespace AzureIaaS.Disks.Maps;

internal static unsafe partial class Zstd
{
    /// <summary>Reads what was compressed to one frame, whose length need not be known; what follows the frame is not looked at.</summary>
    /// <param name="packed">The compressed bytes, from the frame's start on.</param>
    public static Stream Open(Stream packed) => new FrameStream(packed);

    /// <summary>A frame while it is read.</summary>
    private sealed class FrameStream(Stream packed) : Stream
    {
        private readonly Context _context = new();
        private readonly byte[] _input = new byte[128 << 10];
        private int _taken;
        private int _given;
        private bool _isOver;

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            while (!_isOver && buffer.Length > 0)
            {
                var isEnd = false;
                if (_taken == _given)
                {
                    (_taken, _given) = (0, packed.Read(_input));
                    isEnd = _given == 0;
                }

                var written = _context.Step(_input.AsSpan(0, _given), ref _taken, buffer, out _isOver);
                if (written > 0)
                    return written;
                if (isEnd)
                    throw new InvalidDataException("its compressed data ends too early");
            }

            return 0;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
