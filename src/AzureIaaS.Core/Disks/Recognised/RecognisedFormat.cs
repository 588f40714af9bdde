namespace AzureIaaS.Disks.Recognised;

/// <summary>
/// A kind of file that is recognised only to be refused by name, with what to do instead: taken for a raw disk, it would be imported
/// as garbage. What is recognised is the one list <see cref="All"/>.
/// </summary>
internal sealed partial class RecognisedFormat : DiskFormat
{
    private readonly Signature[] _signatures;
    private readonly bool _byNameToo;
    private readonly string _remedy;

    private RecognisedFormat(string name, string displayName, string[] extensions, Signature[] signatures, string remedy, bool byNameToo = false)
    {
        Name = name;
        DisplayName = displayName;
        Extensions = extensions;
        _signatures = signatures;
        _byNameToo = byNameToo;
        _remedy = remedy;
    }

    /// <inheritdoc/>
    public override string Name { get; }

    /// <inheritdoc/>
    public override string DisplayName { get; }

    /// <inheritdoc/>
    public override IReadOnlyList<string> Extensions { get; }

    /// <inheritdoc/>
    public override bool CanRead => false;

    /// <summary>The signatures, any of which tells the format; none where its name alone does.</summary>
    internal IReadOnlyList<Signature> Signatures => _signatures;

    /// <summary>Whether the file's name must be right, too: a container that other formats share.</summary>
    internal bool ByNameToo => _byNameToo || _signatures.Length == 0;

    /// <inheritdoc/>
    public override bool IsMine(DiskProbe probe)
    {
        if (ByNameToo && !Extensions.Any(e => probe.Path.EndsWith(e, StringComparison.OrdinalIgnoreCase)))
            return false;
        return _signatures.Length == 0 || _signatures.Any(s => s.IsIn(probe));
    }

    /// <inheritdoc/>
    protected override DiskImage OpenCore(DiskFile file, DiskOpenOptions options) =>
        throw DiskErrors.UnsupportedFormat(file.Path, DisplayName, _remedy
            .Replace("{path}", DiskErrors.Quoted(file.Path), StringComparison.Ordinal)
            .Replace("{raw}", DiskErrors.Quoted(file.Path + ".raw"), StringComparison.Ordinal));
}
