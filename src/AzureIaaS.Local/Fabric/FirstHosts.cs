namespace AzureIaaS.Local.Fabric;

/// <summary>The hosts that a new fabric has: three in three fault domains. They are simulated, so each may offer what this computer has and more.</summary>
internal static class FirstHosts
{
    private const int Count = 3;
    private const int FewestCpus = 16;

    /// <summary>Adds them to a fabric that never had any.</summary>
    /// <param name="hosts">The fabric's hosts.</param>
    public static void Ensure(IHostStore hosts) => hosts.AddFirst(
    [
        .. Enumerable.Range(0, Count).Select(i => new FabricHost
        {
            Name = $"host{i + 1}",
            FaultDomain = i,
            UpdateDomain = i,
            Cpu = Math.Max(FewestCpus, 4 * Environment.ProcessorCount),
            Memory = HostMemory.Total(),
        }),
    ]);
}
