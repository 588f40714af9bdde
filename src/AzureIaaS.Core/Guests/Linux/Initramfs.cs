using System.Globalization;
using System.IO.Compression;
using System.Text;
using AzureIaaS.Disks.Maps;
using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests;

/// <summary>
/// Reads which modules an initramfs holds (kernel.org, initramfs buffer format): archives of cpio's newc format one after the other, the first ones (microcode) often
/// plain, the last compressed.
/// </summary>
internal sealed class Initramfs
{
    private const int HeaderSize = 110;
    private const int MaxName = 4096;
    private const long MaxUnpacked = 1L << 30;

    private readonly HashSet<string> _modules = new(StringComparer.Ordinal);

    private Initramfs()
    {
    }

    /// <summary>The names of the modules in an initramfs, in the form that the kernel shows: <c>hv_vmbus</c>.</summary>
    /// <param name="file">The initramfs.</param>
    /// <exception cref="FileSystemException">It is damaged, or compressed in a way that is not read here.</exception>
    public static HashSet<string> Modules(GuestFile file)
    {
        var initramfs = new Initramfs();
        using var stream = new GuestFileStream(file);
        try
        {
            initramfs.ReadAll(stream);
        }
        catch (Exception e) when (e is InvalidDataException or EndOfStreamException)
        {
            throw new FileSystemException("it is damaged");
        }

        return initramfs._modules;
    }

    /// <summary>A module's name by its file's: without folder and extensions, and with underscores.</summary>
    /// <param name="path">The file's path.</param>
    public static string NameOf(string path) => path[(path.LastIndexOf('/') + 1)..].Split('.')[0].Replace('-', '_');

    private void ReadAll(GuestFileStream stream)
    {
        var magic = new byte[6];
        while (SkipZeros(stream))
        {
            var at = stream.Position;
            if (stream.ReadAtLeast(magic, magic.Length, throwOnEndOfStream: false) < magic.Length)
                return;
            stream.Position = at;
            if (IsArchive(magic))
            {
                ReadArchive(stream, length => stream.Position += length);
                continue;
            }

            using var unpacked = Unpacked(magic, stream);
            long total = 0;
            var skipped = new byte[64 << 10];
            ReadArchive(unpacked, length =>
            {
                if ((total += length) > MaxUnpacked)
                    throw new FileSystemException("it unpacks to more than is read");
                for (; length > 0; length -= (int)Math.Min(length, skipped.Length))
                    unpacked.ReadExactly(skipped, 0, (int)Math.Min(length, skipped.Length));
            });
            return;
        }
    }

    private static Stream Unpacked(ReadOnlySpan<byte> magic, Stream stream) => magic switch
    {
        [0x1F, 0x8B, ..] => new GZipStream(stream, CompressionMode.Decompress),
        [0x28, 0xB5, 0x2F, 0xFD, ..] => Zstd.IsAvailable ? Zstd.Open(stream) : throw Unread("zstd", "libzstd"),
        [0xFD, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', ..] or [0x5D, 0, 0, ..] => Lzma.IsAvailable ? Lzma.Open(stream) : throw Unread("xz", "liblzma"),
        [0x02, 0x21, 0x4C, 0x18, ..] => new Lz4LegacyStream(stream),
        [(byte)'B', (byte)'Z', (byte)'h', ..] => throw new FileSystemException("it is compressed with bzip2, which is not read"),
        [0x89, (byte)'L', (byte)'Z', (byte)'O', ..] => throw new FileSystemException("it is compressed with LZO, which is not read"),
        _ => throw new FileSystemException("it is compressed in an unknown way"),
    };

    private static FileSystemException Unread(string compression, string library) => new($"it is compressed with {compression}, and {library} is not installed");

    private static bool IsArchive(ReadOnlySpan<byte> magic) => magic.StartsWith("070701"u8) || magic.StartsWith("070702"u8);

    /// <summary>Goes to the next byte that is not padding; false at the end.</summary>
    private static bool SkipZeros(GuestFileStream stream)
    {
        var bytes = new byte[4096];
        while (true)
        {
            var at = stream.Position;
            var read = stream.Read(bytes);
            if (read == 0)
                return false;
            if (bytes.AsSpan(0, read).IndexOfAnyExcept((byte)0) is >= 0 and var first)
            {
                stream.Position = at + first;
                return true;
            }
        }
    }

    /// <summary>Reads the names in an archive; what files hold is skipped.</summary>
    private void ReadArchive(Stream stream, Action<long> skip)
    {
        var header = new byte[HeaderSize];
        var nameBytes = new byte[MaxName];
        while (true)
        {
            stream.ReadExactly(header);
            if (!IsArchive(header))
                throw new InvalidDataException();
            var (size, nameLength) = (Number(header, 54), (int)Math.Min(Number(header, 94), MaxName + 1));
            if (nameLength > MaxName)
                throw new InvalidDataException();

            // Name and content each end at a multiple of four.
            stream.ReadExactly(nameBytes, 0, nameLength);
            skip(Padding(HeaderSize + nameLength));
            var name = Encoding.UTF8.GetString(nameBytes, 0, nameLength).TrimEnd('\0');
            skip(size + Padding(size));
            if (name == "TRAILER!!!")
                return;
            if (name.Contains(".ko", StringComparison.Ordinal))
                _modules.Add(NameOf(name));
        }
    }

    private static int Padding(long length) => (int)((4 - (length % 4)) % 4);

    private static long Number(byte[] header, int at) =>
        long.TryParse(Encoding.ASCII.GetString(header, at, 8), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number) ? number : throw new InvalidDataException();
}
