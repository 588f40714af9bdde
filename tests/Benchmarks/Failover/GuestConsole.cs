using System.Text;

namespace AzureIaaS.Benchmarks.Failover;

/// <summary>What a guest says on its serial console, which goes on through all of its runs.</summary>
/// <param name="path">The console's log.</param>
internal sealed class GuestConsole(string path)
{
    /// <summary>What every test guest says when it is up.</summary>
    public const string IsUp = "guest: ready";

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);

    /// <summary>Where what comes next will begin.</summary>
    public long End => new FileInfo(path) is { Exists: true } file ? file.Length : 0;

    /// <summary>Waits until the guest has said that it is up.</summary>
    /// <param name="from">Where to begin to listen.</param>
    public async Task WaitUntilUpAsync(long from)
    {
        for (var start = Environment.TickCount64; !Read(from).Contains(IsUp, StringComparison.Ordinal);)
        {
            if (Environment.TickCount64 - start > Patience.TotalMilliseconds)
                throw new InvalidOperationException($"The guest did not say '{IsUp}' within {Patience.TotalMinutes:0} minutes.");
            await Task.Delay(LookEvery);
        }
    }

    private string Read(long from)
    {
        if (End <= from)
            return "";
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        file.Position = from;
        using var reader = new StreamReader(file, Encoding.Latin1);
        return reader.ReadToEnd();
    }
}
