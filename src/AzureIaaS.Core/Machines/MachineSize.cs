namespace AzureIaaS;

/// <summary>What sizes a machine can have.</summary>
public static class MachineSize
{
    private const long SmallestMemory = 1L << 20;
    private const long LargestMemory = 24L << 40;
    private const int MostCpus = 1024;

    /// <summary>Checks a machine's size.</summary>
    /// <param name="name">The machine's name.</param>
    /// <param name="cpu">The number of virtual processors.</param>
    /// <param name="memory">The memory in bytes.</param>
    /// <exception cref="IaaSException">It is not possible; the message says why.</exception>
    public static void Check(string name, int cpu, long memory)
    {
        if (cpu is < 1 or > MostCpus)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidCpuCount", $"{name}: {cpu} processors are not possible.",
                $"Give a number from 1 to {MostCpus} with -Cpu.", cpu);
        }

        if (memory is < SmallestMemory or > LargestMemory)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidMemorySize", $"{name}: {memory:N0} bytes of memory are not possible.",
                $"Give bytes, with a unit: -Memory 512MB. {(memory is > 0 and < SmallestMemory ? $"Perhaps {memory}MB was meant." : "")}".TrimEnd(), memory);
        }
    }
}
