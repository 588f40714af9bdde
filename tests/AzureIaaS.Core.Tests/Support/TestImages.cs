namespace AzureIaaS.Tests.Support;

/// <summary>The content of disks to test with, and the disks that QEMU's tools make of it.</summary>
internal static class TestImages
{
    /// <summary>
    /// A disk's content with everything that matters: bytes that cannot be compressed, text that can, single sectors among zeros,
    /// zeros within and at the end. The same seed gives the same bytes.
    /// </summary>
    public static byte[] Pattern(int length, int seed = 1)
    {
        var random = new Random(seed);
        var bytes = new byte[length];
        for (var at = 0; at < length;)
        {
            var part = bytes.AsSpan(at, Math.Min(length - at, (1 + random.Next(12)) * (random.Next(3) == 0 ? 4096 : 65536)));
            switch (random.Next(5))
            {
                case 0:
                    random.NextBytes(part);
                    break;
                case 1:
                    for (var i = 0; i < part.Length; i++)
                        part[i] = (byte)('a' + (i % 23) + (i / 4096 % 3));
                    break;
                case 2:
                    random.NextBytes(part.Slice(part.Length / 2 / 512 * 512, Math.Min(512, part.Length)));
                    break;
                default:
                    break;
            }

            at += part.Length;
        }

        random.NextBytes(bytes.AsSpan(0, Math.Min(length, 512)));
        return bytes;
    }

    /// <summary>Makes an image of a content by qemu-img convert.</summary>
    public static string Convert(TestFolder folder, byte[] content, string format, string options = "", params string[] more)
    {
        var raw = folder.Write("content.raw", content);
        var image = folder["image." + (format == "vpc" ? "vhd" : format)];
        string[] withOptions = options.Length == 0 ? [] : ["-o", options];
        QemuTools.Img(["convert", "-f", "raw", "-O", format, .. withOptions, .. more, raw, image]);
        return image;
    }

    /// <summary>The content, with zeros behind it up to a length: what a format that rounds sizes up makes of it.</summary>
    public static byte[] Padded(byte[] content, long length)
    {
        var padded = new byte[length];
        content.CopyTo(padded, 0);
        return padded;
    }
}
