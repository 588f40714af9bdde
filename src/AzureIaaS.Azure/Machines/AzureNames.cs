using System.Buffers;
using System.Globalization;
using System.Text.RegularExpressions;
using AzureIaaS.Imports;

namespace AzureIaaS.Azure.Machines;

/// <summary>
/// What things are called and marked in Azure. Names follow from the machine's name alone, so that whoever repeats a request finds what the
/// first one made; tags say whose a thing is, and what carries none of ours is never touched.
/// </summary>
internal static partial class AzureNames
{
    /// <summary>The machine that a thing was made for.</summary>
    public const string VmTag = "azureiaas-vm";

    /// <summary>The import that made it.</summary>
    public const string ImportTag = "azureiaas-import";

    /// <summary>A disk's name within its machine.</summary>
    public const string DiskTag = "azureiaas-disk";

    /// <summary>On the disk that a machine boots from: the machine's name. Set when its import ends; it is what makes a machine.</summary>
    public const string NameTag = "azureiaas-name";

    /// <summary>On the disk that a machine boots from: its size.</summary>
    public const string SizeTag = "azureiaas-size";

    /// <summary>On the disk that a machine boots from: its processors.</summary>
    public const string CpuTag = "azureiaas-cpu";

    /// <summary>On the disk that a machine boots from: its memory in bytes.</summary>
    public const string MemoryTag = "azureiaas-memory";

    /// <summary>On the disk that a machine boots from: its availability set.</summary>
    public const string SetTag = "azureiaas-set";

    /// <summary>On the disk that a machine boots from: its start order.</summary>
    public const string OrderTag = "azureiaas-order";

    /// <summary>On a virtual network and its security group: that this module has made them.</summary>
    public const string NetworkTag = "azureiaas-network";

    /// <summary>On a virtual network: when it was made.</summary>
    public const string CreatedTag = "azureiaas-created";

    /// <summary>On a virtual network that has no way out.</summary>
    public const string IsolatedTag = "azureiaas-isolated";

    /// <summary>On what a rehearsal makes: the machine, or the network, that it stands for.</summary>
    public const string RehearsalTag = "azureiaas-rehearsal";

    /// <summary>On a virtual network: the addresses of the subnet that was made for its VPN gateway. On the gateway and its address: the network.</summary>
    public const string GatewayTag = "azureiaas-gateway";

    /// <summary>On a local network gateway and a connection: the network that the site is joined to. It is what makes a site.</summary>
    public const string SiteTag = "azureiaas-site";

    /// <summary>On the disk that a machine of a staged import will boot from: the moment of the last whole pass. While a pass writes, it is not there.</summary>
    public const string StagedTag = "azureiaas-staged";

    /// <summary>On the disk that a machine boots from: that it has other disks by now than it was imported with, so that they must be looked for.</summary>
    public const string ChangedTag = "azureiaas-disks-changed";

    /// <summary>On a virtual network: what the names of its machines end with.</summary>
    public const string SuffixTag = "azureiaas-dns-suffix";

    /// <summary>What all our tags begin with.</summary>
    public const string TagPrefix = "azureiaas-";

    /// <summary>The name of the network that machines are put on where no other was chosen, and of its security group.</summary>
    public const string DefaultNetwork = "azureiaas";

    /// <summary>The subnet of that network.</summary>
    public const string DefaultSubnet = "machines";

    private static readonly SearchValues<char> RefusedInTags = SearchValues.Create("<>%&\\?/");

    /// <summary>On a disk that was made of a snapshot: the set of disks that it belongs to. A machine goes on with one set.</summary>
    public const string DiskSetTag = "azureiaas-diskset";

    /// <summary>On a snapshot: the checkpoint that it belongs to.</summary>
    public const string CheckpointTag = "azureiaas-checkpoint";

    /// <summary>On the snapshot of the disk that a machine boots from: the checkpoint's name. It is what makes a checkpoint.</summary>
    public const string CheckpointNameTag = "azureiaas-checkpoint-name";

    /// <summary>On the snapshot of the disk that a machine boots from: the region that its checkpoint is to be in too.</summary>
    public const string CopyToTag = "azureiaas-copy-to";

    /// <summary>On a snapshot: the kind of storage that its disk was on.</summary>
    public const string SkuTag = "azureiaas-sku";

    /// <summary>The longest name of a virtual machine.</summary>
    public const int LongestVmName = 64;

    /// <summary>A disk's name.</summary>
    /// <param name="vm">The machine's name.</param>
    /// <param name="disk">The disk's name within the machine.</param>
    /// <param name="set">The set of disks that it belongs to; null for the imported ones.</param>
    public static string Disk(string vm, string disk, string? set = null) => set is null ? $"{vm}-{disk}" : $"{vm}-{disk}-{set}";

    /// <summary>A snapshot's name.</summary>
    /// <param name="vm">The machine's name.</param>
    /// <param name="disk">The disk's name within the machine.</param>
    /// <param name="checkpoint">The checkpoint.</param>
    public static string Snapshot(string vm, string disk, Guid checkpoint) => $"{vm}-{disk}-{checkpoint.ToString("N", CultureInfo.InvariantCulture)[..8]}";

    /// <summary>A network interface's name.</summary>
    /// <param name="vm">The machine's name.</param>
    /// <param name="adapter">The adapter's name within the machine.</param>
    public static string Adapter(string vm, string adapter) => $"{vm}-{adapter}";

    /// <summary>A public address's name.</summary>
    /// <param name="vm">The machine's name.</param>
    /// <param name="adapter">The adapter's name within the machine.</param>
    public static string PublicAddress(string vm, string adapter) => $"{vm}-{adapter}-ip";

    /// <summary>The name of the network that stands in for another in another region.</summary>
    /// <param name="network">The network's name.</param>
    /// <param name="region">The region.</param>
    public static string StandIn(string network, string region) => $"{network}-{region}";

    /// <summary>The name of a network's VPN gateway.</summary>
    /// <param name="network">The network's name.</param>
    public static string Gateway(string network) => $"{network}-vpn";

    /// <summary>The name of the public address of a network's VPN gateway.</summary>
    /// <param name="network">The network's name.</param>
    public static string GatewayAddress(string network) => $"{network}-vpn-ip";

    /// <summary>The tags of something that an import makes.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="operation">The import.</param>
    public static IEnumerable<KeyValuePair<string, string>> TagsOf(VirtualMachine machine, Guid operation) =>
        machine.Tags.Where(t => !t.Key.StartsWith(TagPrefix, StringComparison.OrdinalIgnoreCase))
            .Append(new(VmTag, machine.Id.ToString())).Append(new(ImportTag, operation.ToString()))
            .Concat(machine.RehearsalOf is { } original ? [new(RehearsalTag, original.ToString())] : Array.Empty<KeyValuePair<string, string>>());

    /// <summary>The tags that make a machine of a disk.</summary>
    /// <param name="machine">The machine.</param>
    public static IEnumerable<KeyValuePair<string, string>> MachineTags(VirtualMachine machine)
    {
        yield return new(NameTag, machine.Name);
        yield return new(SizeTag, machine.Size ?? "");
        yield return new(CpuTag, machine.Cpu.ToString(CultureInfo.InvariantCulture));
        yield return new(MemoryTag, machine.Memory.ToString(CultureInfo.InvariantCulture));
        if (machine.AvailabilitySet is { Length: > 0 } set)
            yield return new(SetTag, set);
        if (machine.StartOrder != 0)
            yield return new(OrderTag, machine.StartOrder.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>The machine that a tag names.</summary>
    /// <param name="tags">The tags.</param>
    /// <param name="tag">The tag.</param>
    public static Guid? IdIn(IDictionary<string, string> tags, string tag) =>
        tags.TryGetValue(tag, out var text) && Guid.TryParse(text, out var id) ? id : null;

    /// <summary>What is wrong with a name by Azure's rules; null when nothing is.</summary>
    /// <param name="name">The machine's name.</param>
    public static string? Problem(string name) => VmName().IsMatch(name)
        ? null
        : "Azure takes up to 64 letters, digits, hyphens, periods and underscores, with a letter or digit first, and no hyphen or period last";

    /// <summary>What is wrong with tags by Azure's rules; null when nothing is.</summary>
    /// <param name="plan">The import.</param>
    public static string? TagProblem(ImportPlan plan)
    {
        const int ours = 15;
        if (plan.Machine.Tags.Count > 50 - ours)
            return $"Azure takes 50 tags, of which {ours} are needed here";
        foreach (var (key, value) in plan.Machine.Tags)
        {
            if (key.Length is 0 or > 512 || key.AsSpan().ContainsAny(RefusedInTags))
                return $"Azure does not take '{key}' as a tag's name";
            if (value.Length > 256)
                return $"the value of tag '{key}' is longer than 256 characters";
        }

        return null;
    }

    [GeneratedRegex("^[A-Za-z0-9]([A-Za-z0-9_.-]{0,62}[A-Za-z0-9_])?$", RegexOptions.CultureInvariant)]
    private static partial Regex VmName();
}
