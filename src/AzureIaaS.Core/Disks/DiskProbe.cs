using System.Buffers.Binary;

namespace AzureIaaS.Disks;

/// <summary>What a format may look at to say whether a file is its own: the name, the length, the first and the last bytes.</summary>
public sealed class DiskProbe
{
    /// <summary>How many bytes of the start are looked at: enough for ISO 9660, whose first descriptor lies at 32 KiB, and for GPT and superblocks.</summary>
    internal const int HeadSize = 72 << 10;

    internal const int TailSize = 4 << 10;

    private readonly byte[] _head;
    private readonly byte[] _tail;

    internal DiskProbe(string path, long length, byte[] head, byte[] tail)
    {
        Path = path;
        Length = length;
        _head = head;
        _tail = tail;
    }

    /// <summary>The path of the file.</summary>
    public string Path { get; }

    /// <summary>The length of the file in bytes.</summary>
    public long Length { get; }

    /// <summary>The file name's extension in lower case, with its dot; empty where there is none.</summary>
    public string Extension => SourcePath.Extension(Path);

    /// <summary>The first bytes: 72 KiB, or the whole file where it is shorter.</summary>
    public ReadOnlySpan<byte> Head => _head;

    /// <summary>The last bytes: 4 KiB, or the whole file where it is shorter.</summary>
    public ReadOnlySpan<byte> Tail => _tail;

    /// <summary>Whether the file has these bytes at this offset from its start (within <see cref="Head"/>).</summary>
    /// <param name="offset">The offset in bytes.</param>
    /// <param name="signature">The bytes.</param>
    public bool HasAt(int offset, ReadOnlySpan<byte> signature) =>
        _head.Length >= offset + signature.Length && Head.Slice(offset, signature.Length).SequenceEqual(signature);

    /// <summary>Whether the file has these bytes at this distance before its end (within <see cref="Tail"/>).</summary>
    /// <param name="fromEnd">The distance in bytes of the signature's first byte from the end of the file.</param>
    /// <param name="signature">The bytes.</param>
    public bool HasBeforeEnd(int fromEnd, ReadOnlySpan<byte> signature) =>
        _tail.Length >= fromEnd && Tail.Slice(_tail.Length - fromEnd, signature.Length).SequenceEqual(signature);

    /// <summary>The little-endian 16-bit number at an offset, or 0 beyond the head.</summary>
    internal ushort UInt16At(int offset) => _head.Length >= offset + 2 ? BinaryPrimitives.ReadUInt16LittleEndian(Head[offset..]) : (ushort)0;

    /// <summary>The little-endian 32-bit number at an offset, or 0 beyond the head.</summary>
    internal uint UInt32At(int offset) => _head.Length >= offset + 4 ? BinaryPrimitives.ReadUInt32LittleEndian(Head[offset..]) : 0;

    internal static DiskProbe Of(DiskFile file)
    {
        var head = file.Read(0, (int)Math.Min(HeadSize, file.Length));
        var tailLength = (int)Math.Min(TailSize, file.Length);
        return new DiskProbe(file.Path, file.Length, head, file.Read(file.Length - tailLength, tailLength));
    }
}
