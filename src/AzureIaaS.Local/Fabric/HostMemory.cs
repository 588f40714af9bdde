using System.Globalization;

namespace AzureIaaS.Local.Fabric;

/// <summary>The memory that this machine really has.</summary>
internal static class HostMemory
{
    /// <summary>How much memory can still be handed out, in bytes: what is available now, or what the control group allows, whichever is less.</summary>
    public static long Available()
    {
        var available = Meminfo("MemAvailable:");
        return Group("memory.max") is { } limit && Group("memory.current") is { } used ? Math.Min(available, limit - used) : available;
    }

    /// <summary>All the memory there is, in bytes; 8 GiB where the system does not say.</summary>
    public static long Total() => OperatingSystem.IsLinux() ? Meminfo("MemTotal:") : 8L << 30;

    private static long Meminfo(string name)
    {
        var line = File.ReadLines("/proc/meminfo").First(l => l.StartsWith(name, StringComparison.Ordinal));
        return long.Parse(line[name.Length..].Trim().Split(' ')[0], CultureInfo.InvariantCulture) << 10;
    }

    private static long? Group(string name)
    {
        var path = "/sys/fs/cgroup/" + name;
        return File.Exists(path) && long.TryParse(File.ReadAllText(path).AsSpan().Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var value) ? value : null;
    }
}
