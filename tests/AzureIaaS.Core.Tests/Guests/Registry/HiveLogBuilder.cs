using System.Buffers.Binary;
using AzureIaaS.Guests;
using AzureIaaS.Guests.Registry;

namespace AzureIaaS.Tests.Guests.Registry;

/// <summary>Writes transaction logs of hives: what makes one state of a hive out of another.</summary>
internal static class HiveLogBuilder
{
    private const int Sector = 512;
    private const int Bins = 4096;

    /// <summary>The hive as it is while a write of it is under way.</summary>
    public static byte[] Dirty(byte[] hive)
    {
        var dirty = hive.ToArray();
        BinaryPrimitives.WriteUInt32LittleEndian(dirty.AsSpan(4), Sequence(hive) + 1);
        HiveBuilder.Seal(dirty);
        return dirty;
    }

    /// <summary>A log of the new format, with an entry for each step from one state to the next.</summary>
    public static byte[] New(uint sequence, params byte[][] states)
    {
        var log = new List<byte>(Head(states[^1], sequence, type: 6));
        for (var i = 1; i < states.Length; i++)
            log.AddRange(Entry(states[i - 1], states[i], sequence + (uint)i - 1));
        return [.. log];
    }

    /// <summary>A log of the old format.</summary>
    public static byte[] Old(byte[] before, byte[] after)
    {
        var changed = Changed(before, after);
        var vector = new byte[4 + ((after.Length - Bins) / Sector / 8)];
        "DIRT"u8.CopyTo(vector);
        foreach (var sector in changed)
            vector[4 + (sector / 8)] |= (byte)(1 << (sector % 8));
        return [.. Head(after, Sequence(after), type: 1), .. vector, .. new byte[(Sector - (vector.Length % Sector)) % Sector], .. changed.SelectMany(s => after.AsSpan(Bins + (s * Sector), Sector).ToArray())];
    }

    /// <summary>Makes the hashes of a log's first entry right, as far as it still is one.</summary>
    public static void Seal(byte[] page, DiskReader read, long length)
    {
        var entry = page.AsSpan(Math.Min(Sector, page.Length));
        if (!entry.StartsWith("HvLE"u8) || BinaryPrimitives.ReadUInt32LittleEndian(entry[4..]) is var size && (size < Sector || size % Sector != 0 || size > length - Sector))
            return;
        var rest = new byte[size - 40];
        read(Sector + 40, rest);
        BinaryPrimitives.WriteUInt64LittleEndian(entry[24..], Marvin32.Of(rest));
        BinaryPrimitives.WriteUInt64LittleEndian(entry[32..], Marvin32.Of(entry[..32]));
    }

    private static uint Sequence(byte[] hive) => BinaryPrimitives.ReadUInt32LittleEndian(hive.AsSpan(4));

    private static byte[] Head(byte[] hive, uint sequence, int type)
    {
        var head = hive[..Sector];
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(4), sequence);
        BinaryPrimitives.WriteUInt32LittleEndian(head.AsSpan(8), sequence);
        BinaryPrimitives.WriteInt32LittleEndian(head.AsSpan(28), type);
        HiveBuilder.Seal(head);
        return head;
    }

    private static byte[] Entry(byte[] before, byte[] after, uint sequence)
    {
        var changed = Changed(before, after);
        var length = (40 + (changed.Count * (8 + Sector)) + Sector - 1) / Sector * Sector;
        var entry = new byte[length];
        "HvLE"u8.CopyTo(entry);
        BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(4), length);
        BinaryPrimitives.WriteUInt32LittleEndian(entry.AsSpan(12), sequence);
        BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(16), after.Length - Bins);
        BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(20), changed.Count);
        for (var i = 0; i < changed.Count; i++)
        {
            BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(40 + (i * 8)), changed[i] * Sector);
            BinaryPrimitives.WriteInt32LittleEndian(entry.AsSpan(44 + (i * 8)), Sector);
            after.AsSpan(Bins + (changed[i] * Sector), Sector).CopyTo(entry.AsSpan(40 + (changed.Count * 8) + (i * Sector)));
        }

        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(24), Marvin32.Of(entry.AsSpan(40)));
        BinaryPrimitives.WriteUInt64LittleEndian(entry.AsSpan(32), Marvin32.Of(entry.AsSpan(0, 32)));
        return entry;
    }

    private static List<int> Changed(byte[] before, byte[] after) => [.. Enumerable.Range(0, (after.Length - Bins) / Sector)
        .Where(s => Bins + ((s + 1) * Sector) > before.Length || !before.AsSpan(Bins + (s * Sector), Sector).SequenceEqual(after.AsSpan(Bins + (s * Sector), Sector)))];
}
