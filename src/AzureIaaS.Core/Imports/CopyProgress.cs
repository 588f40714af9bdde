using AzureIaaS.Providers;

namespace AzureIaaS.Imports;

/// <summary>Turns positions on a disk into fractions, and keeps quiet when nothing visible has changed.</summary>
/// <param name="notices">Receives the steps.</param>
/// <param name="text">What is being done.</param>
/// <param name="length">The disk's length in bytes.</param>
internal sealed class CopyProgress(IProgress<Notice> notices, string text, long length) : IProgress<long>
{
    private int _permille = -1;

    /// <inheritdoc/>
    public void Report(long value)
    {
        var permille = length == 0 ? 1000 : (int)(value * 1000.0 / length);
        if (Interlocked.Exchange(ref _permille, permille) != permille)
            notices.Report(Notice.Step(text, permille / 1000.0));
    }
}
