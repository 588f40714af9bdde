using System.Buffers.Binary;
using System.Text;
using AzureIaaS.Disks.Vdi;
using AzureIaaS.Disks.Vhdx;
using AzureIaaS.Tests.Disks.Qcow;
using AzureIaaS.Tests.Disks.Qcow2;
using AzureIaaS.Tests.Disks.Vdi;
using AzureIaaS.Tests.Disks.Vhd;
using AzureIaaS.Tests.Disks.Vhdx;
using AzureIaaS.Tests.Disks.Vmdk;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks;

/// <summary>A small right image of each kind, to be cut and damaged.</summary>
/// <param name="Name">The file's name, whose extension is the format's.</param>
/// <param name="Bytes">The file.</param>
/// <param name="Content">What the disk holds.</param>
/// <param name="Spare">How many bytes at the file's end no reader needs.</param>
/// <param name="Metadata">Where damage is most interesting.</param>
internal sealed record Specimen(string Name, byte[] Bytes, byte[] Content, int Spare, params (int At, int Length)[] Metadata)
{
    /// <summary>Where checksums are.</summary>
    public (int At, int Length)[] Sums { get; private init; } = [];

    /// <summary>Makes the checksums right again.</summary>
    public Action<byte[]> Reseal { get; private init; } = _ => { };

    /// <summary>A file that must lie beside it.</summary>
    public (string Name, byte[] Bytes)? Companion { get; private init; }

    /// <summary>The file to open, where it is not the damaged one: the descriptor of an extent.</summary>
    public string? OpenBy { get; private init; }

    public override string ToString() => Name;

    /// <summary>Writes all its files and returns the paths of the one to damage and of the one to open.</summary>
    public (string Damage, string Open) Put(TestFolder folder)
    {
        if (Companion is { } companion)
            folder.Write(companion.Name, companion.Bytes);
        return (folder.Write(Name, Bytes), folder[OpenBy ?? Name]);
    }

    public static IReadOnlyList<Specimen> All { get; } =
    [
        Fixed(), Dynamic(), Vhdx(), Sparse(), Stream(), Flat(), Qcow2("v3.qcow2", 3), Qcow2("v2.qcow2", 2), Raw(),
        Vdi(), Qcow(), VhdChild(), VhdxChild(), VhdxLog(), Cowd(), SeSparse(),
    ];

    private static Specimen Fixed()
    {
        var content = TestImages.Pattern(64 << 10);
        var file = VhdBuilder.Fixed(content);
        // A footer without its last byte is one of an old version.
        return new Specimen("fixed.vhd", file, content, 1, (content.Length, 512))
        {
            Sums = [(content.Length + 64, 4)],
            Reseal = f => BinaryPrimitives.WriteUInt32BigEndian(f.AsSpan(f.Length - 512 + 64), AzureIaaS.Disks.Vhd.VhdFooter.Checksum(f.AsSpan(f.Length - 512), 64)),
        };
    }

    private static Specimen Dynamic()
    {
        var content = TestImages.Pattern(200 << 10);
        var file = VhdBuilder.Dynamic(content, 16 << 10, s => s % 32 < 30);
        for (var sector = 0; sector < content.Length / 512; sector++)
        {
            if (sector % 32 >= 30)
                content.AsSpan(sector * 512, 512).Clear();
        }

        // The second half of the last block lies behind the disk's end, and the footer has a copy.
        return new Specimen("dynamic.vhd", file, content, (8 << 10) + 512, (0, 88), (512, 40), (1536, 64), (2048, 512), (file.Length - 512, 88))
        {
            Sums = [(64, 4), (512 + 36, 4), (file.Length - 512 + 64, 4)],
            Reseal = f => VhdBuilder.Reseal(f),
        };
    }

    private static Specimen Vhdx()
    {
        var content = TestImages.Pattern((1 << 20) + (64 << 10));
        var file = VhdxBuilder.Build(content, 1 << 20, 512, b => b == 1 ? PayloadBlockState.FullyPresent : PayloadBlockState.Zero);
        content.AsSpan(0, 1 << 20).Clear();

        // The file ends with the disk.
        file = file[..(VhdxBuilder.DataAt + (64 << 10))];
        return new Specimen("disk.vhdx", file, content, 0,
            (VhdxHeader.FirstAt, 80), (VhdxHeader.SecondAt, 80), (RegionTable.FirstAt, 80), (RegionTable.SecondAt, 80),
            (VhdxBuilder.MetadataAt, 200), (VhdxBuilder.ItemsAt, 80), (VhdxBuilder.BatAt, 16))
        {
            Sums = [(VhdxHeader.FirstAt + 4, 4), (VhdxHeader.SecondAt + 4, 4), (RegionTable.FirstAt + 4, 4), (RegionTable.SecondAt + 4, 4)],
            Reseal = f => VhdxBuilder.Reseal(f),
        };
    }

    private static Specimen Sparse()
    {
        var builder = new VmdkBuilder { Content = TestImages.Pattern(300 << 10), TableEntries = 8, ZeroedGrains = true };
        var file = builder.Build();
        return new Specimen("sparse.vmdk", file, builder.Content, file.Length - builder.DirectoryAt - (builder.Content.Length / (16 * 512 * 8) + 1) * 4,
            (0, 80), (512, 300), (file.Length - 4096, 4096));
    }

    private static Specimen Stream()
    {
        var builder = new VmdkBuilder
        {
            Content = TestImages.Pattern(300 << 10), TableEntries = 128, GrainSectors = 32, IsStream = true, Version = 3, CreateType = "streamOptimized",
        };
        var file = builder.Build();
        return new Specimen("stream.vmdk", file, builder.Content, 0, (0, 80), (512, 300), (builder.FirstGrainAt, 64), (file.Length - 4096, 4096));
    }

    private static Specimen Flat()
    {
        var content = TestImages.Pattern(16 << 10);
        var text = Encoding.ASCII.GetBytes(VmdkBuilder.DescriptorText("monolithicFlat", "RW 32 FLAT \"flat.bin\" 0").TrimEnd());
        var needed = Encoding.ASCII.GetString(text).IndexOf("\" 0", StringComparison.Ordinal) + 1;
        return new Specimen("flat.vmdk", text, content, text.Length - needed, (0, text.Length)) { Companion = ("flat.bin", content) };
    }

    private static Specimen Qcow2(string name, uint version)
    {
        var zero = version == 3 ? ClusterKind.Zero : ClusterKind.Hole;
        var kinds = new[] { ClusterKind.Data, ClusterKind.Compressed, ClusterKind.Compressed, ClusterKind.Hole, zero, ClusterKind.Data };
        var content = TestImages.Pattern(300 << 10, seed: 11);
        var file = Qcow2Builder.Build(content, 12, version, c => kinds[c % kinds.Length]);
        for (var c = 0; c < content.Length >> 12; c++)
        {
            if (kinds[c % kinds.Length] is ClusterKind.Hole or ClusterKind.Zero)
                content.AsSpan(c << 12, 4096).Clear();
        }

        // The last cluster is compressed, and all of it comes out before the mark of its end.
        return new Specimen(name, file, content, 8, (0, 120), (4096, 16), (8192, 700), (12288, 4096));
    }

    private static Specimen Raw()
    {
        var content = TestImages.Pattern(80 << 10);
        content.AsSpan(440, 72).Clear();
        new byte[] { 0x80, 0, 0, 0, 0x83, 0, 0, 0, 8, 0, 0, 0, 16, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 24, 0, 0, 0, 136 }.CopyTo(content, 446);
        content[510] = 0x55;
        content[511] = 0xAA;
        return new Specimen("disk.raw", content, content, 0, (440, 72), (24 * 512 + 440, 72));
    }

    private static Specimen Vdi()
    {
        var content = TestImages.Pattern(200 << 10);
        var file = VdiBuilder.Build(content, 16 << 10, VdiImageType.Normal, b => b % 4 == 1 ? VdiBuilder.Zero : b % 4 == 2 ? VdiBuilder.Free : null);
        for (var b = 0; b * 16 << 10 < content.Length; b++)
        {
            if (b % 4 is 1 or 2)
                content.AsSpan(b * 16 << 10, Math.Min(16 << 10, content.Length - (b * 16 << 10))).Clear();
        }

        return new Specimen("disk.vdi", file, content, 0, (64, 24), (340, 70), (512, 60));
    }

    private static Specimen Qcow()
    {
        var content = TestImages.Pattern(200 << 10);
        var file = QcowBuilder.Build(content, c => c % 3 == 1 ? ClusterKind.Compressed : c % 7 == 2 ? ClusterKind.Hole : ClusterKind.Data);
        for (var c = 0; c << 12 < content.Length; c++)
        {
            if (c % 3 != 1 && c % 7 == 2)
                content.AsSpan(c << 12, 4096).Clear();
        }

        return new Specimen("disk.qcow", file, content, 0, (0, 48), (48, 16), (512, 600));
    }

    private static Specimen VhdChild()
    {
        var id = new Guid("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9");
        var (parent, content) = (TestImages.Pattern(64 << 10, 3), TestImages.Pattern(64 << 10, 4));
        var file = VhdBuilder.Child(VhdBuilder.Dynamic(content, 16 << 10, s => s % 3 == 0), id, "parent.vhd", "parent.vhd");
        for (var s = 0; s < content.Length / 512; s++)
        {
            if (s % 3 != 0)
                parent.AsSpan(s * 512, 512).CopyTo(content.AsSpan(s * 512));
        }

        return new Specimen("child.avhd", file, content, 1024 + 512, (0, 88), (512, 700), (1536, 64), (2048, 512), (file.Length - 1024, 40), (file.Length - 512, 88))
        {
            Sums = [(64, 4), (512 + 36, 4), (file.Length - 512 + 64, 4)],
            Reseal = f => VhdBuilder.Reseal(f),
            Companion = ("parent.vhd", VhdBuilder.WithId(VhdBuilder.Fixed(parent), id)),
        };
    }

    private static Specimen VhdxChild()
    {
        var id = new Guid("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9");
        var (parent, content) = (TestImages.Pattern(1 << 20, 3), TestImages.Pattern(1 << 20, 4));
        var below = VhdxBuilder.WithDataWriteGuid(VhdxBuilder.Build(parent, 1 << 20, 512, _ => PayloadBlockState.FullyPresent), id);
        var file = VhdxBuilder.Child(VhdxBuilder.Build(content, 1 << 20, 512, _ => PayloadBlockState.FullyPresent), 1, 4096, id, "parent.vhdx", s => s % 3 == 0);
        for (var s = 0; s < content.Length / 512; s++)
        {
            if (s % 3 != 0)
                parent.AsSpan(s * 512, 512).CopyTo(content.AsSpan(s * 512));
        }

        return new Specimen("child.avhdx", file, content, 0, (VhdxHeader.SecondAt, 80), (VhdxBuilder.MetadataAt, 240), (VhdxBuilder.ItemsAt, 80),
            (VhdxBuilder.ItemsAt + 4096, 240), (VhdxBuilder.BatAt, 16), (VhdxBuilder.BatAt + 4096 * 8, 8), (file.Length - VhdxBuilder.MiB, 256))
        {
            Sums = [(VhdxHeader.FirstAt + 4, 4), (VhdxHeader.SecondAt + 4, 4), (RegionTable.FirstAt + 4, 4), (RegionTable.SecondAt + 4, 4)],
            Reseal = f => VhdxBuilder.Reseal(f),
            Companion = ("parent.vhdx", below),
        };
    }

    /// <summary>A VHDX whose BAT in the file is empty: the log has it.</summary>
    private static Specimen VhdxLog()
    {
        var content = TestImages.Pattern(1 << 20);
        var file = VhdxBuilder.Build(content, 1 << 20, 512, _ => PayloadBlockState.FullyPresent);
        var table = file.AsSpan(VhdxBuilder.BatAt, 4096).ToArray();
        file.AsSpan(VhdxBuilder.BatAt, 4096).Clear();
        VhdxBuilder.Log(file, new Guid("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"), 0x1_0000_0007, (VhdxBuilder.BatAt, null), (VhdxBuilder.BatAt, table));
        return new Specimen("logged.vhdx", file, content, 0, (VhdxHeader.FirstAt, 80), (VhdxHeader.SecondAt, 80), (VhdxBuilder.MiB, 140), (VhdxBuilder.MiB + 4096, 4096))
        {
            Sums = [(VhdxHeader.FirstAt + 4, 4), (VhdxHeader.SecondAt + 4, 4), (VhdxBuilder.MiB + 4, 4)],
            Reseal = f =>
            {
                VhdxBuilder.Reseal(f);
                BinaryPrimitives.WriteUInt32LittleEndian(f.AsSpan(VhdxBuilder.MiB + 4), VhdxChecksum.Of(f.AsSpan(VhdxBuilder.MiB, 8192)));
            },
        };
    }

    private static Specimen Cowd()
    {
        var content = TestImages.Pattern(96 << 10);
        var file = EsxExtents.Cowd(content, 8);
        return new Specimen("delta.bin", file, content, 0, (0, 32), (2048, 8), (2560, 200))
        {
            OpenBy = "cowd.vmdk",
            Companion = ("cowd.vmdk", Encoding.ASCII.GetBytes(VmdkBuilder.DescriptorText("vmfsSparse", $"RW {content.Length / 512} VMFSSPARSE \"delta.bin\""))),
        };
    }

    private static Specimen SeSparse()
    {
        var content = TestImages.Pattern(96 << 10);
        var file = EsxExtents.SeSparse(content);
        return new Specimen("sesparse.bin", file, content, 0, (0, 208), (512, 32), (1024, 16), (1536, 200))
        {
            OpenBy = "sesparse.vmdk",
            Companion = ("sesparse.vmdk", Encoding.ASCII.GetBytes(VmdkBuilder.DescriptorText("seSparse", $"RW {content.Length / 512} SESPARSE \"sesparse.bin\""))),
        };
    }
}
