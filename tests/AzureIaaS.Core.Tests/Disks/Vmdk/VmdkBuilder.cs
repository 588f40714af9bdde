using System.Buffers.Binary;
using System.IO.Compression;
using System.Text;

namespace AzureIaaS.Tests.Disks.Vmdk;

/// <summary>Makes VMDKs by hand. The numbers may be wrong on purpose.</summary>
internal sealed class VmdkBuilder
{
    public const int Sector = 512;
    public const int DescriptorSectors = 20;

    public byte[] Content { get; init; } = [];

    public int GrainSectors { get; init; } = 16;

    public int TableEntries { get; init; } = 512;

    public uint Version { get; init; } = 1;

    public string CreateType { get; init; } = "monolithicSparse";

    public string? Descriptor { get; init; }

    /// <summary>Whether grains are compressed, tables follow them, and the end knows the directory.</summary>
    public bool IsStream { get; init; }

    /// <summary>Whether zero grains get the entry 1 in place of 0.</summary>
    public bool ZeroedGrains { get; init; }

    /// <summary>Whether the header of a stream names the directory, too, and no footer follows.</summary>
    public bool WithoutFooter { get; init; }

    public long? Capacity { get; init; }

    public CompressionLevel Level { get; init; } = CompressionLevel.Fastest;

    /// <summary>Where the directory was put, in bytes.</summary>
    public int DirectoryAt { get; private set; }

    /// <summary>Where the first grain was put, in bytes.</summary>
    public int FirstGrainAt { get; private set; }

    public static string DescriptorText(string createType, string extents, string parent = "ffffffff") =>
        $"# Disk DescriptorFile\nversion=1\nCID=fffffffe\nparentCID={parent}\ncreateType=\"{createType}\"\n\n# Extent description\n{extents}\n\n"
        + "#DDB\n\nddb.adapterType = \"lsilogic\"\nddb.virtualHWVersion = \"14\"\n";

    public byte[] Build()
    {
        var capacity = Capacity ?? Content.Length / Sector;
        var text = Descriptor ?? DescriptorText(CreateType, $"RW {capacity} SPARSE \"disk.vmdk\"");
        var file = new MemoryStream();
        file.SetLength((1 + DescriptorSectors) * Sector);
        file.Position = Sector;
        file.Write(Encoding.ASCII.GetBytes(text));
        file.Position = file.Length;
        FirstGrainAt = (int)file.Length;

        var entries = Enumerable.Range(0, (Content.Length + GrainBytes - 1) / GrainBytes).Select(g => PutGrain(file, g)).ToList();
        var tables = entries.Chunk(TableEntries).Select(table => PutTable(file, table)).ToArray();
        if (IsStream)
            PutMarker(file, (tables.Length * 4 + Sector - 1) / Sector, 2);
        DirectoryAt = (int)file.Length;
        PutNumbers(file, tables);
        if (IsStream && !WithoutFooter)
        {
            PutMarker(file, 1, 3);
            file.Write(Header(capacity, (ulong)DirectoryAt / Sector));
            PutMarker(file, 0, 0);
        }

        file.Position = 0;
        file.Write(Header(capacity, IsStream && !WithoutFooter ? ulong.MaxValue : (ulong)DirectoryAt / Sector));
        return file.ToArray();
    }

    private int GrainBytes => GrainSectors * Sector;

    private byte[] Header(long capacity, ulong gdOffset)
    {
        var header = new byte[Sector];
        "KDMV"u8.CopyTo(header);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(4), Version);
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(8), 1u | (ZeroedGrains ? 4u : 0) | (IsStream ? 0x30000u : 0));
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(12), capacity);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(20), GrainSectors);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(28), 1);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(36), DescriptorSectors);
        BinaryPrimitives.WriteInt32LittleEndian(header.AsSpan(44), TableEntries);
        BinaryPrimitives.WriteUInt64LittleEndian(header.AsSpan(56), gdOffset);
        BinaryPrimitives.WriteInt64LittleEndian(header.AsSpan(64), 1 + DescriptorSectors);
        "\n \r\n"u8.CopyTo(header.AsSpan(73));
        header[77] = (byte)(IsStream ? 1 : 0);
        return header;
    }

    private uint PutGrain(MemoryStream file, int grain)
    {
        var bytes = new byte[GrainBytes];
        Content.AsSpan(grain * GrainBytes, Math.Min(GrainBytes, Content.Length - (grain * GrainBytes))).CopyTo(bytes);
        if (!bytes.AsSpan().ContainsAnyExcept((byte)0))
            return ZeroedGrains ? 1u : 0;
        var at = file.Length;
        if (IsStream)
        {
            var packed = new MemoryStream();
            using (var zlib = new ZLibStream(packed, Level, leaveOpen: true))
                zlib.Write(bytes);
            var marker = new byte[12];
            BinaryPrimitives.WriteInt64LittleEndian(marker, (long)grain * GrainSectors);
            BinaryPrimitives.WriteInt32LittleEndian(marker.AsSpan(8), (int)packed.Length);
            file.Write(marker);
            bytes = packed.ToArray();
        }

        file.Write(bytes);
        Pad(file);
        return (uint)(at / Sector);
    }

    private uint PutTable(MemoryStream file, uint[] entries)
    {
        if (entries.All(e => e == 0))
            return 0;
        if (IsStream)
            PutMarker(file, TableEntries * 4 / Sector, 1);
        var at = file.Length;
        PutNumbers(file, [.. entries, .. new uint[TableEntries - entries.Length]]);
        return (uint)(at / Sector);
    }

    private static void PutNumbers(MemoryStream file, uint[] numbers)
    {
        var bytes = new byte[numbers.Length * 4];
        for (var i = 0; i < numbers.Length; i++)
            BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(i * 4), numbers[i]);
        file.Write(bytes);
        Pad(file);
    }

    private static void PutMarker(MemoryStream file, long sectors, int type)
    {
        var marker = new byte[Sector];
        BinaryPrimitives.WriteInt64LittleEndian(marker, sectors);
        marker[12] = (byte)type;
        file.Write(marker);
    }

    private static void Pad(MemoryStream file)
    {
        file.SetLength((file.Length + Sector - 1) / Sector * Sector);
        file.Position = file.Length;
    }
}
