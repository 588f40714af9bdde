namespace AzureIaaS.Disks.Recognised;

/// <summary>Bytes at a place of the file, and perhaps more bytes at another.</summary>
/// <param name="Offset">Where, from the start; below zero, from the end.</param>
/// <param name="Bytes">The bytes.</param>
/// <param name="And">What must be there as well; null for nothing.</param>
internal sealed record Signature(int Offset, byte[] Bytes, Signature? And = null)
{
    /// <summary>Whether a file has it.</summary>
    /// <param name="probe">The file's first and last bytes.</param>
    public bool IsIn(DiskProbe probe) =>
        (Offset < 0 ? probe.HasBeforeEnd(-Offset, Bytes) : probe.HasAt(Offset, Bytes)) && (And is null || And.IsIn(probe));

    /// <summary>The same signature, with another that must be there as well.</summary>
    /// <param name="other">The other.</param>
    public Signature With(Signature other) => this with { And = other };
}
