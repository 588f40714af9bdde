namespace AzureIaaS.Disks;

/// <summary>What has been copied so far, remembered where it outlives the process. Called by several threads at once.</summary>
public interface ICopyJournal
{
    /// <summary>Finds the digest with which a block was recorded.</summary>
    /// <param name="block">The block's index, from 0.</param>
    /// <param name="digest">Receives the digest, <see cref="DiskDigest.HashSize"/> bytes.</param>
    /// <returns>Whether the block was recorded.</returns>
    bool TryGet(long block, Span<byte> digest);

    /// <summary>Records a block that the target now holds.</summary>
    /// <param name="block">The block's index, from 0.</param>
    /// <param name="digest">The digest of its content.</param>
    void Record(long block, ReadOnlySpan<byte> digest);
}
