using AzureIaaS.Appliances;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Appliances;

/// <summary>Descriptions that other people's tools wrote: each parses to the right machine, or to an error that says what is wrong.</summary>
public sealed class SharedDescriptionsTests
{
    private static readonly string[] Kinds = ["ovf", "vmx", "libvirt-xml", "vbox", "hyperv-xml", "vmcx"];

    public static TheoryData<string, int> Counts() => new()
    {
        // How many of each kind must parse at least; the others are wrong on purpose, describe several machines, or have no machine.
        { "ovf", 395 }, { "vmx", 33 }, { "libvirt-xml", 129 }, { "vbox", 1 }, { "hyperv-xml", 1 }, { "vmcx", 1 },
    };

    [SkippableTheory]
    [MemberData(nameof(Counts))]
    public void EachParsesOrIsRefusedWithASentence(string kind, int least)
    {
        SharedImages.Require();
        using var folder = new TestFolder();
        var parsed = 0;
        var refused = new List<string>();
        foreach (var row in SharedImages.Index.Where(i => i.Format == kind && i.Size > 0))
        {
            try
            {
                var description = Parse(SharedImages.Put(folder, row));
                Assert.True(description.Cpu is null or > 0, row.Path);
                Assert.True(description.Memory is null or > 0, row.Path);
                Assert.All(description.Disks, d => Assert.NotEqual("", d.Reference));
                parsed++;
            }
            catch (IaaSException e)
            {
                Assert.NotEqual("", e.Remedy);
                refused.Add($"{row.Path}: {e.Message}");
            }
        }

        Assert.True(parsed >= least, $"{parsed} parsed; refused:\n{string.Join('\n', refused)}");
    }

    [SkippableFact]
    public void TheyAreUnderstood()
    {
        SharedImages.Require();
        using var folder = new TestFolder();
        var windows = Parse(Put(folder, "virt-v2v/test-i-ova-two-disks.ovf"));
        Assert.Equal(("2K8R2EESP1_2_Medium", 1, 1L << 30, "disk1.vmdk disk2.vmdk"),
            (windows.Name, windows.Cpu, windows.Memory, string.Join(' ', windows.Disks.Select(d => d.Reference))));
        Assert.All(windows.Disks, d => Assert.Equal(DiskController.LsiSas, d.Controller));
        Assert.Equal(450L << 30, windows.Disks[1].Capacity);

        var router = Parse(Put(folder, "cot/input.ovf"));
        Assert.Equal((4, 4L << 30, 3, "vmxnet3", 2), (router.Cpu, router.Memory, router.Adapters.Count, router.Adapters[0].Model, router.MediaDrives.Count));
        Assert.Equal("VM Network", router.Adapters[0].Network);

        var nvme = Parse(Put(folder, "virt-v2v/test-i-vmx-6.vmx"));
        Assert.Equal(("esx6.7-rhel8.6-nvme-disk", 2L << 30, "nvme-disk.vmdk", DiskController.Nvme),
            (nvme.Name, nvme.Memory, Assert.Single(nvme.Disks).Reference, nvme.Disks[0].Controller));
        Assert.Equal(new DescribedAdapter("00:50:56:ac:cf:51", "VM Network", "vmxnet3"), Assert.Single(nvme.Adapters));
        Assert.Equal([null], nvme.MediaDrives);
        Assert.Equal(Firmware.Uefi, Parse(Put(folder, "virt-v2v/test-i-vmx-3.vmx")).Firmware);

        var hyperV = Parse(Put(folder, "mwrock-packer-templates/vm.XML"));
        Assert.Equal(("hyperv", Firmware.Bios, DiskController.Ide), (hyperV.Format, hyperV.Firmware, Assert.Single(hyperV.Disks).Controller));
        Assert.EndsWith(@"\disk.vhd", hyperV.Disks[0].Reference, StringComparison.Ordinal);
        Assert.Equal("00:15:5d:01:07:dc", Assert.Single(hyperV.Adapters).MacAddress);
        Assert.True(hyperV.Cpu > 0 && hyperV.Memory >= 512 << 20);

        var vbox = Parse(Put(folder, "dissect.hypervisor/descriptor/vbox/GOAD-DC01.vbox"));
        Assert.Equal(("GOAD-DC01", 3000L << 20, "Windows2016_64"), (vbox.Name, vbox.Memory, vbox.GuestOs));
        Assert.Contains("Snapshots/{", Assert.Single(vbox.Disks).Reference, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void DamageIsRefusedAndNothingElseHappens()
    {
        SharedImages.Require();
        using var folder = new TestFolder();
        foreach (var kind in Kinds)
        {
            foreach (var row in SharedImages.Index.Where(i => i.Format == kind && i.Size is > 200 and < 40_000).OrderBy(i => i.Path, StringComparer.Ordinal).Take(25))
            {
                var path = SharedImages.Put(folder, row);
                var bytes = File.ReadAllBytes(path);
                for (var seed = 0; seed < 60; seed++)
                    Damage(path, bytes, new Random(seed));
            }
        }
    }

    internal static MachineDescription Parse(string path)
    {
        var bytes = File.ReadAllBytes(path);
        var format = DescriptionFormat.Find(Path.GetExtension(path).ToLowerInvariant(), bytes)
            ?? throw DescriptionFormat.NotSupported(path, "it is no description", "Look at it.");
        return format.Parse(path, bytes);
    }

    private static void Damage(string path, byte[] whole, Random random)
    {
        var bytes = random.Next(5) == 0 ? whole[..random.Next(whole.Length)] : whole.ToArray();
        for (var i = random.Next(1, 6); i > 0 && bytes.Length > 4; i--)
        {
            var at = random.Next(bytes.Length - 3);
            var tokens = new[] { "<", ">", "\"", "\0", "-1", "999999999999999999999", "\uFFFF", "&x;", "]]>", "ovf:", " " };
            var token = System.Text.Encoding.UTF8.GetBytes(tokens[random.Next(tokens.Length)]);
            if (random.Next(2) == 0)
                bytes[at] ^= (byte)(1 << random.Next(8));
            else
                bytes = [.. bytes.AsSpan(0, at), .. token, .. bytes.AsSpan(at + random.Next(3))];
        }

        try
        {
            var format = DescriptionFormat.Find(Path.GetExtension(path).ToLowerInvariant(), bytes);
            format?.Parse(path, bytes);
        }
        catch (IaaSException)
        {
            // What should happen.
        }
    }

    private static string Put(TestFolder folder, string path) => SharedImages.Put(folder, SharedImages.Index.Single(i => i.Path == path));
}
