using AzureIaaS.Providers;

namespace AzureIaaS.Benchmarks;

/// <summary>Takes what commands report, and drops it.</summary>
internal sealed class Silence : IProgress<Notice>
{
    public static Silence Instance { get; } = new();

    public void Report(Notice value)
    {
        // Nobody listens.
    }
}
