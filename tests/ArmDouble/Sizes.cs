using System.Text.Json.Nodes;

namespace AzureIaaS.ArmDouble;

/// <summary>The sizes that the double's regions have, in the shape of Microsoft.Compute/skus.</summary>
internal static class Sizes
{
    /// <summary>The sizes of a region; there are two.</summary>
    public static JsonArray Skus(string region)
    {
        if (region is not ("westeurope" or "northeurope"))
            return [];
        var sizes = All();
        foreach (var size in sizes)
        {
            (size!["locations"]![0], size["locationInfo"]![0]!["location"]) = (region, region);
            foreach (var refusal in size["restrictions"]!.AsArray())
                (refusal!["values"]![0], refusal["restrictionInfo"]!["locations"]![0]) = (region, region);
        }

        return sizes;
    }

    private static JsonArray All() => new(
        Sku("Standard_B1ms", "standardBSFamily", 1, 2, 2, "V1,V2"),
        Sku("Standard_D2s_v5", "standardDSv5Family", 2, 8, 4, "V1,V2"),
        Sku("Standard_D4s_v5", "standardDSv5Family", 4, 16, 8, "V1,V2"),
        Sku("Standard_D64s_v5", "standardDSv5Family", 64, 256, 32, "V1,V2"),
        Sku("Standard_DC2s", "standardDCSFamily", 2, 8, 2, "V2"),
        Sku("Standard_D2ps_v5", "standardDPSv5Family", 2, 8, 4, "V2", "Arm64"),
        Sku("Standard_M8ms", "standardMSFamily", 8, 218, 8, "V1,V2", refusal: "NotAvailableForSubscription"));

    public static JsonArray Usages() => new(Usage("cores", "Total Regional vCPUs", 4, 40), Usage("standardDSv5Family", "Standard DSv5 Family vCPUs", 4, 20));

    private static JsonObject Usage(string name, string text, int current, int limit) => new()
    {
        ["unit"] = "Count", ["currentValue"] = current, ["limit"] = limit, ["name"] = new JsonObject { ["value"] = name, ["localizedValue"] = text },
    };

    private static JsonObject Sku(string name, string family, int cpu, int memory, int disks, string generations, string architecture = "x64", string? refusal = null) => new()
    {
        ["resourceType"] = "virtualMachines",
        ["name"] = name,
        ["family"] = family,
        ["locations"] = new JsonArray("westeurope"),
        ["locationInfo"] = new JsonArray(new JsonObject { ["location"] = "westeurope", ["zones"] = new JsonArray("1", "2", "3") }),
        ["capabilities"] = new JsonArray(
            Capability("vCPUs", $"{cpu}"), Capability("MemoryGB", $"{memory}"), Capability("MaxDataDiskCount", $"{disks}"),
            Capability("HyperVGenerations", generations), Capability("CpuArchitectureType", architecture)),
        ["restrictions"] = refusal is null ? [] : new JsonArray(new JsonObject
        {
            ["type"] = "Location", ["values"] = new JsonArray("westeurope"), ["reasonCode"] = refusal,
            ["restrictionInfo"] = new JsonObject { ["locations"] = new JsonArray("westeurope") },
        }),
    };

    private static JsonObject Capability(string name, string value) => new() { ["name"] = name, ["value"] = value };
}
