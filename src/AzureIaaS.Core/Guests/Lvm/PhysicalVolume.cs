using System.Text;
using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests.Lvm;

/// <summary>A physical volume of LVM2: its label, and the description of its volume group (lib/format_text/layout.h, its fields named as there).</summary>
internal sealed class PhysicalVolume
{
    private const int LabelSectors = 4;
    private const int SectorSize = 512;
    private const int MaxAreas = 64;
    private const int AreaHeader = 512;
    private const int MaxText = 16 << 20;

    private static ReadOnlySpan<byte> AreaMagic => " LVM2 x[5A%r0N*>"u8;

    private PhysicalVolume(OpenedVolume volume, string id, LvmSection? metadata) => (Opened, Id, Metadata) = (volume, id, metadata);

    /// <summary>The volume it is.</summary>
    public OpenedVolume Opened { get; }

    /// <summary>Its id, without dashes.</summary>
    public string Id { get; }

    /// <summary>What it says of its volume group; null where it keeps no copy, or is in none.</summary>
    public LvmSection? Metadata { get; }

    /// <summary>Reads a physical volume.</summary>
    /// <param name="volume">The volume.</param>
    /// <exception cref="FileSystemException">It is damaged.</exception>
    public static PhysicalVolume Read(OpenedVolume volume)
    {
        var bytes = volume.Volume;
        for (var sector = 0; sector < LabelSectors; sector++)
        {
            var label = bytes.Bytes(sector * SectorSize, SectorSize);
            if (!label.AsSpan().StartsWith("LABELONE"u8) || !label.AsSpan(24).StartsWith("LVM2 001"u8))
                continue;
            var at = (int)Math.Min(Le.U32(label, 20), SectorSize);
            var id = Encoding.ASCII.GetString(Fields.Slice(label, at, 32));
            at += 40;
            Areas(label, ref at);   // of data
            var metadata = Areas(label, ref at).Select(a => Text(bytes, a.Offset, a.Size)).OfType<LvmSection>().FirstOrDefault();
            return new PhysicalVolume(volume, id, metadata);
        }

        throw new FileSystemException("its LVM label is damaged");
    }

    /// <summary>A list of areas, ended by an empty one.</summary>
    private static List<(long Offset, long Size)> Areas(byte[] label, ref int at)
    {
        var areas = new List<(long, long)>();
        for (; Le.Place(label, at) is var offset && offset != 0; at += 16)
        {
            areas.Add((offset, Le.Place(label, at + 8)));
            if (areas.Count > MaxAreas)
                throw new FileSystemException("its LVM label is damaged");
        }

        at += 16;
        return areas;
    }

    /// <summary>The text that a metadata area holds now; the area is used round and round, and only its header stays.</summary>
    private static LvmSection? Text(Volume volume, long areaAt, long areaSize)
    {
        var header = volume.Bytes(areaAt, AreaHeader);
        if (!header.AsSpan(4).StartsWith(AreaMagic))
            throw new FileSystemException("its LVM metadata area is damaged");
        var (offset, size) = (Le.Place(header, 40), Le.Place(header, 48));
        if (offset == 0 || size == 0)
            return null;
        if (size > MaxText || offset < AreaHeader || offset >= areaSize || size > areaSize - AreaHeader || areaSize > volume.Length)
            throw new FileSystemException("its LVM metadata area is damaged");
        var text = new byte[size];
        var first = (int)Math.Min(size, areaSize - offset);
        volume.Read(areaAt + offset, text.AsSpan(0, first));
        volume.Read(areaAt + AreaHeader, text.AsSpan(first));
        return LvmText.Parse(text);
    }
}
