using System.Buffers;

namespace AzureIaaS.Disks.Maps;

/// <content>Compressed units: those that lie one behind the other in the file are fetched by one read.</content>
internal abstract partial class UnitMap
{
    private const int MaxPackedRead = 4 << 20;

    /// <summary>Unpacks one unit.</summary>
    /// <param name="unit">The unit.</param>
    /// <param name="place">Where it is.</param>
    /// <param name="packed">The bytes of the file from there on, as many as the place says or the file has.</param>
    /// <param name="skip">How many of the unit's bytes come before those wanted.</param>
    /// <param name="buffer">What to fill, wholly.</param>
    protected virtual void Unpack(long unit, UnitPlace place, ArraySegment<byte> packed, int skip, Span<byte> buffer) =>
        throw new NotSupportedException("This format has no compressed units.");

    private void ReadPacked(long offset, ReadOnlySpan<UnitPlace> places, Span<byte> buffer)
    {
        while (!places.IsEmpty)
        {
            var (count, length) = Neighbours(places);
            var start = places[0].Offset;
            var packed = ArrayPool<byte>.Shared.Rent(length);
            try
            {
                File.Read(start, packed.AsSpan(0, length));
                foreach (var place in places[..count])
                {
                    var (unit, skip) = Math.DivRem(offset, UnitSize);
                    var part = (int)Math.Min(buffer.Length, EndOf(unit, 1) - offset);
                    var from = (int)(place.Offset - start);
                    Unpack(unit, place, new ArraySegment<byte>(packed, from, Math.Min(place.PackedLength, length - from)), (int)skip, buffer[..part]);
                    buffer = buffer[part..];
                    offset += part;
                }
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(packed);
            }

            places = places[count..];
        }
    }

    /// <summary>How many units lie so that one read fetches them, and how long that read is.</summary>
    private (int Count, int Length) Neighbours(ReadOnlySpan<UnitPlace> places)
    {
        var start = places[0].Offset;
        var end = start + places[0].PackedLength;
        var count = 1;
        for (; count < places.Length; count++)
        {
            var next = places[count];
            var nextEnd = Math.Max(end, next.Offset + next.PackedLength);
            if (next.Offset < places[count - 1].Offset || next.Offset > end || nextEnd - start > MaxPackedRead)
                break;
            end = nextEnd;
        }

        // A table knows no exact length, so the last unit may seem to reach beyond the file's end; unpacking tells whether something is missing.
        return (count, (int)(Math.Min(end, File.Length) - start));
    }
}
