using System.Buffers.Binary;
using System.Text;

namespace AzureIaaS.Disks.Qcow2;

/// <summary>An internal snapshot (QEMU docs/interop/qcow2.txt, "Snapshots").</summary>
/// <param name="Id">Its number, as text.</param>
/// <param name="Name">Its name.</param>
/// <param name="L1TableOffset">Where its L1 table is.</param>
/// <param name="L1Size">How many entries that has.</param>
/// <param name="DiskSize">The disk's size at that time, in bytes; null where it is not recorded and the current one holds.</param>
/// <param name="Taken">When it was taken.</param>
/// <param name="End">The first byte behind its entry in the table.</param>
internal sealed record Qcow2Snapshot(string Id, string Name, ulong L1TableOffset, uint L1Size, ulong? DiskSize, DateTimeOffset Taken, long End)
{
    private const int FixedSize = 40;
    private const int MaxSnapshots = 65536;
    private const uint MaxExtra = 1024;

    /// <summary>Reads the snapshot table.</summary>
    /// <param name="file">The image's file.</param>
    /// <param name="header">Its header.</param>
    /// <exception cref="DiskImageException">The table leaves the file, or says what cannot be.</exception>
    public static IReadOnlyList<Qcow2Snapshot> ReadAll(DiskFile file, Qcow2Header header)
    {
        if (header.nb_snapshots == 0)
            return [];
        if (header.nb_snapshots > MaxSnapshots || header.snapshots_offset > long.MaxValue)
            throw DiskErrors.Corrupt(file.Path, 60, $"it is said to hold {header.nb_snapshots:N0} snapshots, listed from byte {header.snapshots_offset}, which cannot be");
        var snapshots = new List<Qcow2Snapshot>();
        var at = (long)header.snapshots_offset;
        for (uint i = 0; i < header.nb_snapshots; i++)
        {
            var entry = file.Read(at, FixedSize).AsSpan();
            var idSize = BinaryPrimitives.ReadUInt16BigEndian(entry[12..]);
            var nameSize = BinaryPrimitives.ReadUInt16BigEndian(entry[14..]);
            var extraSize = BinaryPrimitives.ReadUInt32BigEndian(entry[36..]);
            if (extraSize > MaxExtra)
                throw DiskErrors.Corrupt(file.Path, at + 36, $"a snapshot is said to have {extraSize:N0} bytes of extra data, which cannot be");
            var rest = file.Read(at + FixedSize, (int)extraSize + idSize + nameSize);
            snapshots.Add(new Qcow2Snapshot(
                Encoding.UTF8.GetString(rest, (int)extraSize, idSize),
                Encoding.UTF8.GetString(rest, (int)extraSize + idSize, nameSize),
                BinaryPrimitives.ReadUInt64BigEndian(entry),
                BinaryPrimitives.ReadUInt32BigEndian(entry[8..]),
                extraSize >= 16 ? BinaryPrimitives.ReadUInt64BigEndian(rest.AsSpan(8)) : null,
                DateTimeOffset.FromUnixTimeSeconds(BinaryPrimitives.ReadUInt32BigEndian(entry[16..])),
                at + FixedSize + rest.Length));
            at += (FixedSize + rest.Length + 7L) / 8 * 8;
        }

        return snapshots;
    }
}
