namespace AzureIaaS.Disks.Maps;

/// <summary>Everything that is wrong with the tables: entries that point where nothing can be, and two that point to the same bytes.</summary>
internal abstract partial class UnitMap
{
    /// <inheritdoc/>
    public sealed override IEnumerable<string> FindFaults(CancellationToken cancellation)
    {
        var places = new List<(long Offset, long Unit)>();
        for (long unit = 0; unit < UnitCount;)
        {
            cancellation.ThrowIfCancellationRequested();
            var (next, fault) = LookAt(unit, places);
            if (fault is not null)
                yield return fault;
            unit = next;
        }

        places.Sort();
        for (var i = 1; i < places.Count; i++)
        {
            if (places[i].Offset < places[i - 1].Offset + LengthOf(places[i - 1].Unit))
                yield return $"{TablePath}: the disk's bytes from {places[i - 1].Unit * UnitSize:N0} and from {places[i].Unit * UnitSize:N0} lie in the same place of the file, byte {places[i].Offset:N0}.";
        }
    }

    private (long Next, string? Fault) LookAt(long unit, List<(long Offset, long Unit)> places)
    {
        try
        {
            if (AbsentAt(unit) is > 0 and var absent)
                return (absent > UnitCount - unit ? UnitCount : unit + absent, null);
            Span<UnitPlace> place = stackalloc UnitPlace[1];
            Locate(unit, place);
            if (place[0].Kind is UnitKind.Data or UnitKind.Mixed)
                places.Add((place[0].Offset, unit));
            return (unit + 1, null);
        }
        catch (DiskImageException e)
        {
            return (unit + 1, e.Message);
        }
    }

    private long LengthOf(long unit) => Math.Min(UnitSize, Length - (unit * UnitSize));
}
