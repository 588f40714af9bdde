namespace AzureIaaS.Disks.Writing;

/// <summary>A raw disk, sparse where the file system can have holes.</summary>
internal sealed class RawWriter(OutputFile file, long length) : LinearWriter(file, length)
{
    /// <inheritdoc/>
    protected override void WriteTables()
    {
    }
}
