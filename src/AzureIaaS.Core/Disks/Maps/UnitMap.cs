namespace AzureIaaS.Disks.Maps;

/// <summary>
/// A disk divided into units of one size that a table places one by one. A format says where its units are, and this reads them:
/// neighbours in the file by one read, compressed neighbours by one read and then each by itself.
/// </summary>
internal abstract partial class UnitMap : BlockMap
{
    private const int ReadAtOnce = 64;
    private const int ListAtOnce = 512;

    // 16 MiB of eight-byte entries: what a quarter of a second can look through.
    private const int MaxVerified = 2 << 20;

    // Asking the file system about shorter runs costs more than it saves.
    private const int MinSparseRun = 256 << 10;

    private readonly (long Start, long End)[] _metadata;

    /// <summary>Describes the disk.</summary>
    /// <param name="file">The file that holds the units.</param>
    /// <param name="length">The disk's length in bytes.</param>
    /// <param name="unitSize">The size of a unit in bytes.</param>
    /// <param name="metadata">The ranges of the file where no unit can be, since tables are there.</param>
    protected UnitMap(DiskFile file, long length, long unitSize, params (long Start, long Length)[] metadata)
    {
        File = file;
        Length = length;
        UnitSize = unitSize;
        UnitCount = (length / unitSize) + (length % unitSize == 0 ? 0 : 1);
        _metadata = [.. metadata.Where(m => m.Length > 0).Select(m => (m.Start, m.Start + m.Length))];
    }

    /// <inheritdoc/>
    public sealed override long Length { get; }

    /// <inheritdoc/>
    public sealed override bool HasPacked => _hasPacked;

    /// <summary>What shows where nothing is allocated; null for zeros.</summary>
    public Backing? Below { get; init; }

    /// <summary>The file that holds the units.</summary>
    protected DiskFile File { get; }

    /// <summary>The path of the file that holds the tables, for messages.</summary>
    protected virtual string TablePath => File.Path;

    /// <summary>The size of a unit in bytes.</summary>
    protected long UnitSize { get; }

    /// <summary>How many units the disk has; the last may be a part of one.</summary>
    protected long UnitCount { get; }

    private bool _hasPacked;

    /// <summary>Says where units are, having checked that they can be there.</summary>
    /// <param name="unit">The first unit.</param>
    /// <param name="places">What to fill, from its start; there are as many units on the disk.</param>
    /// <returns>How many were filled, at least one.</returns>
    protected abstract int Locate(long unit, Span<UnitPlace> places);

    /// <summary>How many units from this one on are absent together, because the table of their places is; zero to ask each one.</summary>
    /// <param name="unit">The first unit.</param>
    protected virtual long AbsentAt(long unit) => 0;

    /// <inheritdoc/>
    public sealed override void Read(long offset, Span<byte> buffer)
    {
        Span<UnitPlace> places = stackalloc UnitPlace[ReadAtOnce];
        while (!buffer.IsEmpty)
        {
            var (unit, within) = Math.DivRem(offset, UnitSize);
            if (AbsentAt(unit) is > 0 and var absent)
            {
                var part = (int)Math.Min(buffer.Length, EndOf(unit, absent) - offset);
                ReadAbsent(offset, buffer[..part]);
                buffer = buffer[part..];
                offset += part;
                continue;
            }

            var wanted = (int)Math.Min(ReadAtOnce, (within + buffer.Length - 1) / UnitSize + 1);
            var count = Locate(unit, places[..wanted]);
            for (var i = 0; i < count && !buffer.IsEmpty;)
            {
                var run = RunAt(places[i..count]);
                var part = (int)Math.Min(buffer.Length, EndOf(unit + i, run) - offset);
                ReadRun(offset, places.Slice(i, run), buffer[..part]);
                buffer = buffer[part..];
                offset += part;
                i += run;
            }
        }
    }

    /// <inheritdoc/>
    public sealed override IEnumerable<DiskExtent> Extents(long offset, long length)
    {
        var places = new UnitPlace[(int)Math.Min(ListAtOnce, UnitCount)];
        var end = offset + length;
        while (offset < end)
        {
            var unit = offset / UnitSize;
            if (AbsentAt(unit) is > 0 and var absent)
            {
                var stop = Math.Min(EndOf(unit, absent), end);
                foreach (var extent in AbsentExtents(offset, stop - offset))
                    yield return extent;
                offset = stop;
                continue;
            }

            var count = Locate(unit, places.AsSpan(0, (int)Math.Min(places.Length, ((end - 1) / UnitSize) - unit + 1)));
            for (var i = 0; i < count && offset < end;)
            {
                var run = RunAt(places.AsSpan(i, count - i));
                var stop = Math.Min(EndOf(unit + i, run), end);
                foreach (var extent in ExtentsOf(places[i], offset, stop - offset))
                    yield return extent;
                offset = stop;
                i += run;
            }
        }
    }

    /// <inheritdoc/>
    public override void Verify()
    {
        var places = new UnitPlace[(int)Math.Min(ListAtOnce, UnitCount)];
        long looked = 0;
        for (long unit = 0; unit < UnitCount && looked < MaxVerified;)
        {
            if (AbsentAt(unit) is > 0 and var absent)
            {
                unit = absent > UnitCount - unit ? UnitCount : unit + absent;
                looked++;
                continue;
            }

            var count = Locate(unit, places.AsSpan(0, (int)Math.Min(places.Length, UnitCount - unit)));
            foreach (var place in places.AsSpan(0, count))
                _hasPacked |= place.Kind == UnitKind.Packed;
            unit += count;
            looked += count;
        }
    }

    /// <summary>Splits a range within one mixed unit into runs that are in the file (Data), zeros, or not there (Hole).</summary>
    /// <param name="offset">Where the range starts on the disk.</param>
    /// <param name="place">The unit's place.</param>
    /// <param name="length">How many bytes.</param>
    protected virtual IEnumerable<(long Length, UnitKind Kind)> Parts(long offset, UnitPlace place, long length) =>
        throw new NotSupportedException("This format has no units that are there in part.");

    /// <summary>The place of a unit that is stored as it is.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="offset">Where it is in the file.</param>
    /// <param name="tableAt">Where the file says so.</param>
    /// <param name="used">How many of the unit's bytes are stored, where that is not all of them.</param>
    /// <exception cref="DiskImageException">It cannot be there.</exception>
    protected UnitPlace DataAt(long unit, long offset, long tableAt, long used = long.MaxValue)
    {
        // The last unit need not be whole: some writers end the file with the disk.
        var needed = Math.Min(Math.Min(UnitSize, used), Length - (unit * UnitSize));
        if (offset < 0 || offset > File.Length - needed)
            throw DiskErrors.PointsOutside(TablePath, tableAt, offset, needed, File.Length);
        CheckFree(offset, needed, tableAt);
        return new UnitPlace(UnitKind.Data, offset);
    }

    /// <summary>Refuses a range that the image's own tables occupy.</summary>
    /// <param name="offset">Where the range starts.</param>
    /// <param name="length">How long it is.</param>
    /// <param name="tableAt">Where the file says so.</param>
    protected void CheckFree(long offset, long length, long tableAt)
    {
        foreach (var (start, end) in _metadata)
        {
            if (offset < end && offset + length > start)
                throw DiskErrors.Corrupt(TablePath, tableAt, $"an entry places data at byte {offset}, where the image's own tables are");
        }
    }

    /// <summary>The disk's offset behind a run of units.</summary>
    private long EndOf(long unit, long count) => count >= UnitCount - unit ? Length : (unit + count) * UnitSize;

    /// <summary>How many of the first places can be treated together.</summary>
    private int RunAt(ReadOnlySpan<UnitPlace> places)
    {
        var run = 1;
        while (run < places.Length && places[0].Continues(places[run], run * UnitSize))
            run++;
        return run;
    }

    private void ReadRun(long offset, ReadOnlySpan<UnitPlace> places, Span<byte> buffer)
    {
        switch (places[0].Kind)
        {
            case UnitKind.Data:
                File.Read(places[0].Offset + (offset % UnitSize), buffer);
                break;
            case UnitKind.Packed:
                ReadPacked(offset, places, buffer);
                break;
            case UnitKind.Mixed:
                ReadMixed(offset, places[0], buffer);
                break;
            case UnitKind.Zero:
                buffer.Clear();
                break;
            default:
                ReadAbsent(offset, buffer);
                break;
        }
    }

    private void ReadMixed(long offset, UnitPlace place, Span<byte> buffer)
    {
        foreach (var (length, kind) in Parts(offset, place, buffer.Length))
        {
            var part = buffer[..(int)length];
            if (kind == UnitKind.Data)
                File.Read(place.Offset + (offset % UnitSize), part);
            else if (kind == UnitKind.Zero)
                part.Clear();
            else
                ReadAbsent(offset, part);
            buffer = buffer[part.Length..];
            offset += length;
        }
    }

    private void ReadAbsent(long offset, Span<byte> buffer)
    {
        if (Below is null)
            buffer.Clear();
        else
            Below.Read(offset, buffer);
    }

    private IEnumerable<DiskExtent> ExtentsOf(UnitPlace place, long offset, long length) => place.Kind switch
    {
        UnitKind.Data => DataExtents(offset, place.Offset + (offset % UnitSize), length),
        UnitKind.Packed => [new DiskExtent(offset, length, DiskExtentKind.Data)],
        UnitKind.Zero => [new DiskExtent(offset, length, DiskExtentKind.Zero)],
        UnitKind.Mixed => MixedExtents(place, offset, length),
        _ => AbsentExtents(offset, length),
    };

    private IEnumerable<DiskExtent> MixedExtents(UnitPlace place, long offset, long length)
    {
        foreach (var (part, kind) in Parts(offset, place, length))
        {
            foreach (var extent in ExtentsOf(place with { Kind = kind }, offset, part))
                yield return extent;
            offset += part;
        }
    }

    /// <summary>Bytes that are stored as they are: a hole of the file is one of the disk, or zeros that hide what lies below.</summary>
    private IEnumerable<DiskExtent> DataExtents(long offset, long place, long length)
    {
        if (length < MinSparseRun)
            return [new DiskExtent(offset, length, DiskExtentKind.Data)];
        var hole = Below is null ? DiskExtentKind.Hole : DiskExtentKind.Zero;
        return SparseRanges.Of(File, place, length)
            .Select(e => new DiskExtent(e.Start - place + offset, e.Length, e.Kind == DiskExtentKind.Hole ? hole : e.Kind));
    }

    private IEnumerable<DiskExtent> AbsentExtents(long offset, long length) =>
        Below?.Extents(offset, length) ?? [new DiskExtent(offset, length, DiskExtentKind.Hole)];
}
