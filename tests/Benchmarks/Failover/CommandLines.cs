using System.Collections.Concurrent;
using AzureIaaS.Providers;

namespace AzureIaaS.Benchmarks.Failover;

/// <summary>Keeps the QEMU command lines that the product says it uses.</summary>
internal sealed class CommandLines : IProgress<Notice>
{
    private readonly ConcurrentQueue<string> _lines = new();

    /// <summary>The last one.</summary>
    public string Last => _lines.Last();

    public void Report(Notice value)
    {
        if (value.Text.Contains("-nodefaults", StringComparison.Ordinal))
            _lines.Enqueue(value.Text);
    }
}
