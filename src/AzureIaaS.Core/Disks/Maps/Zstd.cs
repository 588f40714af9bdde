using System.Runtime.InteropServices;

namespace AzureIaaS.Disks.Maps;

/// <summary>Does and undoes zstd compression of one unit of a disk (RFC 8878), by the system's libzstd; a thread keeps its contexts.</summary>
internal static unsafe partial class Zstd
{
    // A frame of a unit of 2 MiB needs no more; a hostile one could ask for 128 MiB.
    private const int MaxWindowLog = 24;
    private const int WindowLogMax = 100;
    private const int ResetSessionOnly = 1;

    private static readonly Lazy<IntPtr> Library = new(Load);

    [ThreadStatic]
    private static Context? _context;

    [ThreadStatic]
    private static Compressor? _compressor;

    [ThreadStatic]
    private static byte[]? _skipped;

    /// <summary>Whether the system has the library.</summary>
    public static bool IsAvailable => Library.Value != IntPtr.Zero;

    /// <summary>Fills the buffer from compressed bytes.</summary>
    /// <param name="packed">The compressed bytes; what follows the frame is not looked at.</param>
    /// <param name="skip">How many bytes come before those wanted.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    /// <returns>What is wrong, in half a sentence; null if it went well.</returns>
    public static string? Inflate(ReadOnlySpan<byte> packed, int skip, Span<byte> buffer)
    {
        _context ??= new Context();
        _ = _context.Reset();
        var taken = 0;
        for (_skipped ??= new byte[64 << 10]; skip > 0;)
        {
            var part = _skipped.AsSpan(0, Math.Min(skip, _skipped.Length));
            if (_context.Fill(packed, ref taken, part) is { } problem)
                return problem;
            skip -= part.Length;
        }

        return _context.Fill(packed, ref taken, buffer);
    }

    /// <summary>How long the compressed form of so many bytes may become.</summary>
    /// <param name="length">How many bytes.</param>
    public static int Bound(int length) => (int)((delegate* unmanaged<nuint, nuint>)Function("ZSTD_compressBound"))((nuint)length);

    /// <summary>Compresses bytes to one frame.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="buffer">Where the frame goes; at least <see cref="Bound"/> long.</param>
    /// <param name="level">How hard to try, from 1 to 19.</param>
    /// <returns>How long the frame is.</returns>
    public static int Deflate(ReadOnlySpan<byte> bytes, Span<byte> buffer, int level)
    {
        _compressor ??= new Compressor();
        return _compressor.Run(bytes, buffer, level);
    }

    private static IntPtr Load() => SystemLibrary.Load(["libzstd.dll", "zstd.dll"], ["libzstd.1.dylib", "libzstd.dylib"], ["libzstd.so.1", "libzstd.so"]);

    private static IntPtr Function(string name) => NativeLibrary.GetExport(Library.Value, name);

    [StructLayout(LayoutKind.Sequential)]
    private struct Buffer
    {
        public byte* Bytes;
        public nuint Size;
        public nuint Position;
    }

    /// <summary>A compression context; the thread that made it ends with it.</summary>
    private sealed class Compressor
    {
        private readonly IntPtr _handle = ((delegate* unmanaged<IntPtr>)Function("ZSTD_createCCtx"))();
        private readonly delegate* unmanaged<IntPtr, byte*, nuint, byte*, nuint, int, nuint> _compress =
            (delegate* unmanaged<IntPtr, byte*, nuint, byte*, nuint, int, nuint>)Function("ZSTD_compressCCtx");
        private readonly delegate* unmanaged<IntPtr, nuint> _free = (delegate* unmanaged<IntPtr, nuint>)Function("ZSTD_freeCCtx");
        private readonly delegate* unmanaged<nuint, uint> _isError = (delegate* unmanaged<nuint, uint>)Function("ZSTD_isError");

        ~Compressor() => _ = _free(_handle);

        public int Run(ReadOnlySpan<byte> bytes, Span<byte> buffer, int level)
        {
            fixed (byte* from = bytes)
            fixed (byte* to = buffer)
            {
                var length = _compress(_handle, to, (nuint)buffer.Length, from, (nuint)bytes.Length, level);
                return _isError(length) == 0 ? (int)length : throw new InvalidOperationException("libzstd failed to compress a cluster.");
            }
        }
    }

    /// <summary>A decompression context; the thread that made it ends with it.</summary>
    private sealed class Context
    {
        private readonly IntPtr _handle;
        private readonly delegate* unmanaged<IntPtr, Buffer*, Buffer*, nuint> _decompress;
        private readonly delegate* unmanaged<IntPtr, int, nuint> _reset;
        private readonly delegate* unmanaged<IntPtr, nuint> _free;
        private readonly delegate* unmanaged<nuint, uint> _isError;

        public Context()
        {
            _handle = ((delegate* unmanaged<IntPtr>)Function("ZSTD_createDCtx"))();
            _decompress = (delegate* unmanaged<IntPtr, Buffer*, Buffer*, nuint>)Function("ZSTD_decompressStream");
            _reset = (delegate* unmanaged<IntPtr, int, nuint>)Function("ZSTD_DCtx_reset");
            _free = (delegate* unmanaged<IntPtr, nuint>)Function("ZSTD_freeDCtx");
            _isError = (delegate* unmanaged<nuint, uint>)Function("ZSTD_isError");
            _ = ((delegate* unmanaged<IntPtr, int, int, nuint>)Function("ZSTD_DCtx_setParameter"))(_handle, WindowLogMax, MaxWindowLog);
        }

        ~Context() => _ = _free(_handle);

        public nuint Reset() => _reset(_handle, ResetSessionOnly);

        public int Step(ReadOnlySpan<byte> packed, ref int taken, Span<byte> buffer, out bool isOver)
        {
            fixed (byte* from = packed)
            fixed (byte* to = buffer)
            {
                var input = new Buffer { Bytes = from, Size = (nuint)packed.Length, Position = (nuint)taken };
                var output = new Buffer { Bytes = to, Size = (nuint)buffer.Length };
                var left = _decompress(_handle, &output, &input);
                if (_isError(left) != 0)
                    throw new InvalidDataException("its compressed data is damaged");
                taken = (int)input.Position;
                isOver = left == 0;
                return (int)output.Position;
            }
        }

        public string? Fill(ReadOnlySpan<byte> packed, ref int taken, Span<byte> buffer)
        {
            fixed (byte* from = packed)
            fixed (byte* to = buffer)
            {
                var input = new Buffer { Bytes = from, Size = (nuint)packed.Length, Position = (nuint)taken };
                var output = new Buffer { Bytes = to, Size = (nuint)buffer.Length };
                while (output.Position < output.Size)
                {
                    var (wasIn, wasOut) = (input.Position, output.Position);
                    if (_isError(_decompress(_handle, &output, &input)) != 0)
                        return "its compressed data is damaged";
                    if (input.Position == wasIn && output.Position == wasOut)
                        return "its compressed data ends too early";
                }

                taken = (int)input.Position;
                return null;
            }
        }
    }
}
