using System.Globalization;
using System.Security.Cryptography;

namespace AzureIaaS.Disks;

/// <summary>
/// The identity of a virtual disk's content: SHA-256 over the list of the SHA-256 of each 4 MiB block, the last one possibly shorter.
/// Blocks are independent, so cores share the work, holes cost nothing, and a copy that was cut off can be checked piece by piece.
/// </summary>
public static class DiskDigest
{
    /// <summary>The size of a block in bytes.</summary>
    public const int BlockSize = 4 << 20;

    /// <summary>The size of one block's digest in bytes.</summary>
    public const int HashSize = SHA256.HashSizeInBytes;

    private const string Prefix = "sha256-4m:";

    private static readonly byte[] FullZeroBlock = HashZeros(BlockSize);

    /// <summary>How many blocks a disk has.</summary>
    /// <param name="length">The disk's length in bytes.</param>
    public static long BlockCount(long length) => (length + BlockSize - 1) / BlockSize;

    /// <summary>How long a block is: <see cref="BlockSize"/>, or what is left for the last one.</summary>
    /// <param name="length">The disk's length in bytes.</param>
    /// <param name="block">The block's index, from 0.</param>
    public static int BlockLength(long length, long block) => (int)Math.Min(BlockSize, length - (block * BlockSize));

    /// <summary>The digest of a block that holds nothing but zeros.</summary>
    /// <param name="blockLength">The block's length in bytes.</param>
    public static ReadOnlySpan<byte> ZeroBlock(int blockLength) => blockLength == BlockSize ? FullZeroBlock : HashZeros(blockLength);

    /// <summary>Writes the digest of a whole disk as text, made from the list of its blocks' digests.</summary>
    /// <param name="blockDigests">All the blocks' digests in order, <see cref="HashSize"/> bytes each.</param>
    public static string Describe(ReadOnlySpan<byte> blockDigests)
    {
        Span<byte> root = stackalloc byte[HashSize];
        SHA256.HashData(blockDigests, root);
        return Prefix + Convert.ToHexString(root).ToLower(CultureInfo.InvariantCulture);
    }

    private static byte[] HashZeros(int length)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var zeros = new byte[Math.Min(length, 64 << 10)];
        for (var left = length; left > 0; left -= zeros.Length)
            hash.AppendData(zeros, 0, Math.Min(left, zeros.Length));
        return hash.GetHashAndReset();
    }
}
