using System.Runtime.CompilerServices;
using System.Text;

namespace AzureIaaS.Local.Consoles;

/// <summary>
/// The log of a serial console. QEMU adds to it at its end; when it grows beyond its bound, its beginning is given back to the file system as a
/// hole, so positions never shift and whoever follows it never misses a byte. A hole reads as zeros, which no console prints.
/// </summary>
internal static class ConsoleLog
{
    private const int Chunk = 64 << 10;
    private const int LongestLine = 64 << 10;

    /// <summary>A log is cut back when it holds more than this, in bytes.</summary>
    private const long MostBytes = 16 << 20;

    /// <summary>What is kept of it then, in bytes.</summary>
    private const long KeptBytes = 8 << 20;

    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(100);

    /// <summary>The log's length in bytes; 0 where there is none.</summary>
    /// <param name="path">The log.</param>
    public static long Length(string path) => new FileInfo(path) is { Exists: true } info ? info.Length : 0;

    /// <summary>Reads lines, as text that is safe to show.</summary>
    /// <param name="path">The log.</param>
    /// <param name="tail">How many of the last lines there are to give; null for all that are kept.</param>
    /// <param name="follow">Whether to go on with new lines until cancelled.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async IAsyncEnumerable<string> ReadLinesAsync(
        string path, int? tail, bool follow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var position = tail is { } lines ? StartOfTail(path, lines) : StartOfData(path);
        var splitter = new LineSplitter();
        while (true)
        {
            foreach (var line in ReadNew(path, ref position, splitter))
                yield return ConsoleText.Clean(line);
            if (!follow)
                break;
            await Task.Delay(PollEvery, cancellation);
        }

        if (splitter.Rest is { Length: > 0 } rest)
            yield return ConsoleText.Clean(rest);
    }

    /// <summary>Reads the lines that were completed since a position, which moves on.</summary>
    /// <param name="path">The log.</param>
    /// <param name="position">Where to start, in bytes; receives where the next call starts.</param>
    /// <param name="splitter">Keeps the line that is not complete yet.</param>
    public static List<string> ReadNew(string path, ref long position, LineSplitter splitter)
    {
        var found = new List<string>();
        if (!File.Exists(path))
            return found;
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (RandomAccess.GetLength(file) < position)
            position = 0;   // it was begun anew
        var buffer = new byte[Chunk];
        while (RandomAccess.Read(file, buffer, position) is var count and > 0)
        {
            position += count;
            splitter.Add(buffer.AsSpan(0, count), found);
        }

        return found;
    }

    /// <summary>Gives the beginning of a log back to the file system when the log has grown beyond its bound.</summary>
    /// <param name="path">The log.</param>
    public static void Bound(string path)
    {
        if (Length(path) <= MostBytes)
            return;
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete);
        var keepFrom = (RandomAccess.GetLength(file) - KeptBytes) / Chunk * Chunk;
        // Where the file system cannot make a hole, the log begins anew: better a short log than a full disk.
        if (SparseFile.PunchHole(file, 0, keepFrom) != 0)
            RandomAccess.SetLength(file, 0);
    }

    private static long StartOfData(string path)
    {
        if (!File.Exists(path))
            return 0;
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return SparseFile.FirstData(file);
    }

    /// <summary>Where the last lines start.</summary>
    private static long StartOfTail(string path, int lines)
    {
        if (!File.Exists(path))
            return 0;
        using var file = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var end = RandomAccess.GetLength(file);
        if (lines <= 0)
            return end;
        var buffer = new byte[Chunk];
        var newlines = 0;
        for (var at = end; at > 0;)
        {
            var size = (int)Math.Min(Chunk, at);
            at -= size;
            var count = RandomAccess.Read(file, buffer.AsSpan(0, size), at);
            for (var i = count - 1; i >= 0; i--)
            {
                if (buffer[i] == 0 && i + 1 < count && buffer[i + 1] == 0)
                    return at + i + 1;   // the hole where the log's beginning was
                // The newline that ends the log ends a line, and does not begin one.
                if (buffer[i] == '\n' && at + i != end - 1 && ++newlines == lines)
                    return at + i + 1;
            }
        }

        return 0;
    }

    /// <summary>Cuts bytes into lines; bounded, since a guest may never end one.</summary>
    internal sealed class LineSplitter
    {
        private readonly List<byte> _pending = [];

        /// <summary>The line that has not ended.</summary>
        public string Rest => Encoding.UTF8.GetString([.. _pending]);

        public void Add(ReadOnlySpan<byte> bytes, List<string> lines)
        {
            foreach (var b in bytes)
            {
                if (b == 0)
                    continue;
                if (b != '\n' && _pending.Count < LongestLine)
                {
                    _pending.Add(b);
                    continue;
                }

                lines.Add(Rest);
                _pending.Clear();
                if (b != '\n')
                    _pending.Add(b);
            }
        }
    }
}
