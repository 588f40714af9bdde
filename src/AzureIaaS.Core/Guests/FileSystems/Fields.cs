using System.Buffers.Binary;

namespace AzureIaaS.Guests.FileSystems;

/// <summary>Reads the fields of little-endian structures; a field beyond the end of what was read means damage, not a fault of the program.</summary>
internal static class Le
{
    /// <summary>Two bytes.</summary>
    public static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16LittleEndian(Fields.Slice(bytes, at, 2));

    /// <summary>Four bytes.</summary>
    public static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32LittleEndian(Fields.Slice(bytes, at, 4));

    /// <summary>Eight bytes.</summary>
    public static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64LittleEndian(Fields.Slice(bytes, at, 8));

    /// <summary>Eight bytes that say a length or a place, which none beyond the range of a signed number can be.</summary>
    public static long Place(ReadOnlySpan<byte> bytes, int at) => Fields.Place(U64(bytes, at));
}

/// <summary>Reads the fields of big-endian structures, as <see cref="Le"/> does.</summary>
internal static class Be
{
    /// <summary>Two bytes.</summary>
    public static ushort U16(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt16BigEndian(Fields.Slice(bytes, at, 2));

    /// <summary>Four bytes.</summary>
    public static uint U32(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt32BigEndian(Fields.Slice(bytes, at, 4));

    /// <summary>Eight bytes.</summary>
    public static ulong U64(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadUInt64BigEndian(Fields.Slice(bytes, at, 8));

    /// <summary>Eight bytes that say a length or a place.</summary>
    public static long Place(ReadOnlySpan<byte> bytes, int at) => Fields.Place(U64(bytes, at));
}

/// <summary>What fields of either order share.</summary>
internal static class Fields
{
    /// <summary>A part of what was read.</summary>
    /// <param name="bytes">What was read.</param>
    /// <param name="at">Where the part starts.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <exception cref="FileSystemException">It is not all there.</exception>
    public static ReadOnlySpan<byte> Slice(ReadOnlySpan<byte> bytes, long at, long length) => at >= 0 && length >= 0 && at <= bytes.Length - length
        ? bytes.Slice((int)at, (int)length)
        : throw new FileSystemException("a structure of it is cut off");

    /// <summary>A number of 64 bits as a length or place.</summary>
    public static long Place(ulong value) => value <= long.MaxValue / 2 ? (long)value : throw new FileSystemException($"it refers to byte {value}, which cannot be");
}
