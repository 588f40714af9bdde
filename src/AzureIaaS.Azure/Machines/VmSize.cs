using System.Globalization;
using Azure.ResourceManager.Compute.Models;

namespace AzureIaaS.Azure.Machines;

/// <summary>A size of machine that a region offers, as far as it matters here.</summary>
/// <param name="Name">Its name: <c>Standard_D4s_v5</c>.</param>
/// <param name="Family">The family whose quota it uses.</param>
/// <param name="Cpu">Virtual processors.</param>
/// <param name="Memory">Memory in bytes.</param>
/// <param name="MostDataDisks">How many data disks it takes.</param>
/// <param name="TakesBios">Whether it runs generation 1.</param>
/// <param name="TakesUefi">Whether it runs generation 2.</param>
/// <param name="IsX64">Whether its processors are x64.</param>
/// <param name="Zones">The zones that offer it.</param>
/// <param name="Refusal">Why it is not to be had; null where it is.</param>
internal sealed record VmSize(
    string Name, string Family, int Cpu, long Memory, int MostDataDisks, bool TakesBios, bool TakesUefi, bool IsX64, IReadOnlyList<string> Zones, string? Refusal)
{
    /// <summary>Reads a size as the region's list describes it; null for what is no size of a machine.</summary>
    /// <param name="sku">The entry.</param>
    public static VmSize? Of(ComputeResourceSku sku)
    {
        if (sku.ResourceType != "virtualMachines" || sku.Name is null)
            return null;
        var can = sku.Capabilities.GroupBy(c => c.Name).ToDictionary(g => g.Key, g => g.First().Value);
        var generations = can.GetValueOrDefault("HyperVGenerations", "V1");
        // A restriction by zone leaves the others; one by location leaves nothing.
        var refused = sku.Restrictions.FirstOrDefault(r => r.RestrictionsType == ComputeResourceSkuRestrictionsType.Location);
        var lostZones = sku.Restrictions.Where(r => r.RestrictionsType == ComputeResourceSkuRestrictionsType.Zone).SelectMany(r => r.RestrictionInfo?.Zones ?? []);
        return new VmSize(sku.Name, sku.Family ?? "", (int)Number(can, "vCPUs"), (long)(Number(can, "MemoryGB") * (1L << 30)), (int)Number(can, "MaxDataDiskCount"),
            generations.Contains("V1", StringComparison.Ordinal), generations.Contains("V2", StringComparison.Ordinal),
            can.GetValueOrDefault("CpuArchitectureType", "x64") == "x64",
            [.. sku.LocationInfo.SelectMany(l => l.Zones).Except(lostZones)],
            refused is null ? null : refused.ReasonCode?.ToString() ?? "restricted");
    }

    /// <summary>Chooses a size, or says why the wanted one will not do.</summary>
    /// <param name="sizes">What the region offers.</param>
    /// <param name="machine">The machine; its size where one was said, else its processors and memory count.</param>
    /// <param name="location">The region, for messages.</param>
    /// <exception cref="IaaSException">There is none.</exception>
    public static VmSize Choose(IReadOnlyList<VmSize> sizes, VirtualMachine machine, string location)
    {
        if (machine.Size is { Length: > 0 } wanted)
        {
            var size = sizes.FirstOrDefault(s => s.Name.Equals(wanted, StringComparison.OrdinalIgnoreCase))
                ?? throw Refused($"{location} has no size '{wanted}'{Similar(sizes, wanted)}.", wanted);
            return size.ProblemFor(machine) is { } problem ? throw Refused($"Size {size.Name} in {location} will not do for {machine.Name}: {problem}.", size.Name) : size;
        }

        // Among equals, the plain general-purpose families: others cost more for what nobody has asked for.
        return sizes.Where(s => s.Cpu >= machine.Cpu && s.Memory >= machine.Memory && s.ProblemFor(machine) is null)
            .OrderBy(s => s.Cpu).ThenBy(s => s.Memory).ThenBy(s => Preference(s.Name)).ThenBy(s => s.Name, StringComparer.Ordinal).FirstOrDefault()
            ?? throw Refused($"{location} has no size with {machine.Cpu} processors and {ByteSize.Format(machine.Memory)} for {machine.Name}.", machine.Name);
    }

    private string? ProblemFor(VirtualMachine machine) =>
        Refusal is not null ? $"this subscription cannot have it ({Refusal})"
        : !IsX64 ? "its processors are not x64"
        : machine.Firmware == Firmware.Uefi && !TakesUefi ? "it does not run generation 2 (UEFI)"
        : machine.Firmware == Firmware.Bios && !TakesBios ? "it does not run generation 1 (BIOS)"
        : machine.Disks.Count - 1 > MostDataDisks ? $"it takes {MostDataDisks} data disks, and there are {machine.Disks.Count - 1}"
        : machine.Zone is { Length: > 0 } zone && !Zones.Contains(zone) ? $"zone {zone} does not offer it"
        : null;

    private static int Preference(string name) =>
        name.StartsWith("Standard_B", StringComparison.Ordinal) ? 0 : name.StartsWith("Standard_D", StringComparison.Ordinal) ? 1 : name.StartsWith("Standard_E", StringComparison.Ordinal) ? 2 : 3;

    private static string Similar(IReadOnlyList<VmSize> sizes, string wanted)
    {
        var bare = wanted.Replace("Standard_", "", StringComparison.OrdinalIgnoreCase);
        var near = sizes.Where(s => s.Refusal is null && bare.Length > 1 && s.Name.Contains(bare[..2], StringComparison.OrdinalIgnoreCase)).Take(3).Select(s => s.Name).ToList();
        return near.Count > 0 ? $"; it has {string.Join(", ", near)}" : "";
    }

    private static double Number(Dictionary<string, string> capabilities, string name) =>
        capabilities.TryGetValue(name, out var text) && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : 0;

    private static IaaSException Refused(string message, string target) =>
        new(ErrorKind.NoCapacity, "SizeNotAvailable", message, "Choose another with -Size (az vm list-skus shows them), or connect to another region.", target);
}
