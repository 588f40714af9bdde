namespace AzureIaaS.Disks.Maps;

/// <summary>Everything that is wrong with the tables: entries that point where nothing can be, and two that point to the same bytes, be they data's or another table's.</summary>
internal abstract partial class UnitMap
{
    /// <inheritdoc/>
    public sealed override IEnumerable<string> FindFaults(CancellationToken cancellation)
    {
        var places = new List<(long Offset, long Owner)>();
        for (long unit = 0; unit < UnitCount;)
        {
            cancellation.ThrowIfCancellationRequested();
            var (next, fault) = LookAt(unit, places);
            if (fault is not null)
                yield return fault;
            unit = next;
        }

        // Tables are owners below zero.
        var tables = Tables().ToList();
        places.AddRange(tables.Select((t, i) => (t.Offset, ~(long)i)));
        places.Sort();
        long end = 0, owner = 0;
        for (var i = 0; i < places.Count; i++)
        {
            var (offset, next) = places[i];
            if (i > 0 && offset < end)
                yield return $"{TablePath}: {NameOf(owner, tables)} and {NameOf(next, tables)} lie in the same place of the file, byte {offset:N0}.";
            if (offset + LengthOf(next, tables) is var stop && (i == 0 || stop > end))
                (end, owner) = (stop, next);
        }
    }

    /// <summary>How many bytes before a unit's data belong to it.</summary>
    protected virtual long UnitLead => 0;

    /// <summary>The tables that lie among the units, one by one; those that were said when the map was made are not among them.</summary>
    protected virtual IEnumerable<(long Offset, long Length, string Name)> Tables() => [];

    private (long Next, string? Fault) LookAt(long unit, List<(long Offset, long Owner)> places)
    {
        try
        {
            if (AbsentAt(unit) is > 0 and var absent)
                return (absent > UnitCount - unit ? UnitCount : unit + absent, null);
            Span<UnitPlace> place = stackalloc UnitPlace[1];
            Locate(unit, place);
            if (place[0].Kind is UnitKind.Data or UnitKind.Mixed)
                places.Add((place[0].Offset - UnitLead, unit));
            return (unit + 1, null);
        }
        catch (DiskImageException e)
        {
            return (unit + 1, e.Message);
        }
    }

    private string NameOf(long owner, List<(long Offset, long Length, string Name)> tables) => owner < 0 ? tables[(int)~owner].Name : $"the disk's bytes from {owner * UnitSize:N0}";

    private long LengthOf(long owner, List<(long Offset, long Length, string Name)> tables) => owner < 0 ? tables[(int)~owner].Length : UnitLead + Math.Min(UnitSize, Length - (owner * UnitSize));
}
