using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests.Registry;

/// <summary>
/// A hive of the Windows registry (regf, versions 1.3 to 1.6), read where it is asked for. Where its last write was not ended, it is read as it is once its
/// transaction logs are applied.
/// </summary>
internal sealed class RegistryHive
{
    private const int BaseBlockSize = 4096;
    private const int MaxCells = 1 << 20;

    private readonly Volume _file;
    private readonly long _end;
    private int _cells;

    /// <summary>Opens a hive.</summary>
    /// <param name="file">Its file.</param>
    /// <param name="logs">Its transaction logs, in any order; empty ones, too.</param>
    /// <exception cref="FileSystemException">It is damaged, or no hive.</exception>
    public RegistryHive(GuestFile file, params IReadOnlyList<GuestFile> logs)
    {
        if (file.Length < BaseBlockSize)
            throw new FileSystemException("a registry hive of it is cut off");
        var head = new HiveBaseBlock(file);
        if (head is { IsWhole: false } or { IsDirty: true } && RecoveredHive.Of(file, head, logs) is { } recovered)
            (file, head, IsRecovered) = (recovered, recovered.Head, true);
        if (!head.IsHive)
            throw new FileSystemException("a file of it that should be a registry hive is none");
        if (!head.IsWhole)
            throw new FileSystemException("a registry hive of it has a wrong checksum");
        IsDirty = head.IsDirty;
        _file = new Volume(file.Length, file.Read);
        _end = IsRecovered ? file.Length : Math.Min(BaseBlockSize + (long)head.BinsLength, file.Length);
        Root = new HiveKey(this, head.RootCell);
    }

    /// <summary>Whether it was not written whole, and no transaction log knows better.</summary>
    public bool IsDirty { get; }

    /// <summary>Whether it was not written whole, and is read as it is once its transaction logs are applied.</summary>
    public bool IsRecovered { get; }

    /// <summary>Its first key.</summary>
    public HiveKey Root { get; }

    /// <summary>Finds a key; null where it is not there.</summary>
    /// <param name="path">Its path, with <c>\</c> between names, in any case of letters.</param>
    public HiveKey? Key(string path)
    {
        HiveKey? key = Root;
        foreach (var name in path.Split('\\', StringSplitOptions.RemoveEmptyEntries))
        {
            key = key.Subkeys().FirstOrDefault(k => k.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (key is null)
                return null;
        }

        return key;
    }

    /// <summary>Reads a cell: what a structure of the hive lies in.</summary>
    /// <param name="offset">Where it lies, in bytes from the end of the base block.</param>
    /// <param name="signature">What it must begin with; empty for cells of data.</param>
    /// <param name="limit">How many bytes of it are wanted at most.</param>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public byte[] Cell(uint offset, ReadOnlySpan<byte> signature, int limit)
    {
        // Lists may name the same cells over and over: a hostile hive would be walked for ever.
        if (++_cells > MaxCells)
            throw new FileSystemException("a registry hive of it has more in it than is read");
        var at = BaseBlockSize + (long)offset;
        if (offset % 8 != 0 || at > _end - 8)
            throw new FileSystemException($"a registry hive of it refers to byte {at}, beyond its end");

        // The size is negative while the cell is in use.
        var size = -(long)(int)Le.U32(_file.Bytes(at, 4), 0);
        if (size < 8 || size > _end - at)
            throw new FileSystemException($"a registry hive of it has a damaged cell at byte {at}");
        var cell = _file.Bytes(at + 4, (int)Math.Min(size - 4, limit));
        return cell.AsSpan().StartsWith(signature) ? cell : throw new FileSystemException($"a registry hive of it has a damaged cell at byte {at}");
    }
}
