using System.Runtime.InteropServices;

namespace AzureIaaS.Guests;

/// <summary>Undoes xz and lzma compression, by the system's liblzma.</summary>
internal static unsafe class Lzma
{
    private const ulong MemoryLimit = 128 << 20;
    private const int Ok = 0;
    private const int StreamEnd = 1;
    private const int BufferError = 10;
    private const int Run = 0;

    private static readonly Lazy<IntPtr> Library = new(Load);

    /// <summary>Whether the system has the library.</summary>
    public static bool IsAvailable => Library.Value != IntPtr.Zero;

    /// <summary>Reads what was compressed; what follows it is not looked at.</summary>
    /// <param name="packed">The compressed bytes.</param>
    public static Stream Open(Stream packed) => new UnpackedStream(packed);

    private static IntPtr Load() => SystemLibrary.Load(["liblzma.dll"], ["liblzma.5.dylib"], ["liblzma.so.5"]);

    private static IntPtr Function(string name) => NativeLibrary.GetExport(Library.Value, name);

    /// <summary>lzma_stream (lzma/base.h); what is reserved there is room here.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct State
    {
        public byte* NextIn;
        public nuint AvailableIn;
        public ulong TotalIn;
        public byte* NextOut;
        public nuint AvailableOut;
        public ulong TotalOut;
        public IntPtr Allocator;
        public IntPtr Internal;
        public fixed ulong Reserved[12];
    }

    private sealed class UnpackedStream : Stream
    {
        private readonly Stream _packed;
        private readonly byte[] _input = new byte[64 << 10];
        private readonly State* _state;
        private int _at;
        private int _length;
        private bool _isOver;
        private bool _isFreed;

        public UnpackedStream(Stream packed)
        {
            _packed = packed;
            _state = (State*)NativeMemory.AllocZeroed((nuint)sizeof(State));
            if (((delegate* unmanaged<State*, ulong, uint, int>)Function("lzma_auto_decoder"))(_state, MemoryLimit, 0) != Ok)
                throw new InvalidDataException("liblzma does not start.");
        }

        ~UnpackedStream() => Dispose(false);

        public override bool CanRead => true;

        public override bool CanSeek => false;

        public override bool CanWrite => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

        public override int Read(Span<byte> buffer)
        {
            var code = (delegate* unmanaged<State*, int, int>)Function("lzma_code");
            while (!_isOver && buffer.Length > 0)
            {
                if (_at == _length)
                    (_at, _length) = (0, _packed.Read(_input));
                fixed (byte* from = _input)
                fixed (byte* to = buffer)
                {
                    _state->NextIn = from + _at;
                    _state->AvailableIn = (nuint)(_length - _at);
                    _state->NextOut = to;
                    _state->AvailableOut = (nuint)buffer.Length;
                    var result = code(_state, Run);
                    _at = _length - (int)_state->AvailableIn;
                    _isOver = result == StreamEnd;
                    if (result is not (Ok or StreamEnd or BufferError) || (result == BufferError && _length == 0))
                        throw new InvalidDataException("its compressed data is damaged");
                    var written = buffer.Length - (int)_state->AvailableOut;
                    if (written > 0)
                        return written;
                    if (_length == 0 && !_isOver)
                        throw new InvalidDataException("its compressed data ends too early");
                }
            }

            return 0;
        }

        public override void Flush()
        {
        }

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (!_isFreed)
            {
                _isFreed = true;
                ((delegate* unmanaged<State*, void>)Function("lzma_end"))(_state);
                NativeMemory.Free(_state);
            }

            base.Dispose(disposing);
        }
    }
}
