using System.Buffers.Binary;
using AzureIaaS.Disks;
using Microsoft.Win32.SafeHandles;

namespace AzureIaaS.Azure.Upload;

/// <summary>
/// The blocks that a pass has begun to write, on this computer's disk before their first byte is sent: after any death, these alone are not as the last whole
/// pass has left them.
/// </summary>
internal sealed class TouchedBlocks : IDisposable
{
    private readonly SafeFileHandle _file;
    private readonly HashSet<long> _known;
    private readonly object _gate = new();
    private long _length;

    /// <summary>Opens the list; what is in it stays.</summary>
    /// <param name="path">The file.</param>
    public TouchedBlocks(string path)
    {
        _known = [.. Read(path)];
        _file = File.OpenHandle(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        _length = RandomAccess.GetLength(_file) / sizeof(long) * sizeof(long);   // a line that was cut off is written over
    }

    /// <summary>The blocks in a list; none where there is none.</summary>
    /// <param name="path">The file.</param>
    public static IEnumerable<long> Read(string path)
    {
        var lines = File.Exists(path) ? File.ReadAllBytes(path) : [];
        for (var at = 0; at + sizeof(long) <= lines.Length; at += sizeof(long))
            yield return BinaryPrimitives.ReadInt64LittleEndian(lines.AsSpan(at));
    }

    /// <summary>Takes note of the block that is written to.</summary>
    /// <param name="offset">Where on the disk, in bytes.</param>
    public void Touch(long offset)
    {
        Span<byte> line = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64LittleEndian(line, offset / DiskDigest.BlockSize);
        lock (_gate)
        {
            if (!_known.Add(offset / DiskDigest.BlockSize))
                return;
            RandomAccess.Write(_file, line, _length);
            RandomAccess.FlushToDisk(_file);   // a line lost with the power would be a block mistaken for its former self
            _length += line.Length;
        }
    }

    public void Dispose() => _file.Dispose();
}
