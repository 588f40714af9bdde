using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Machines;

/// <summary>For work that is over in a moment and tells nobody of it.</summary>
internal sealed class Quiet : IProgress<Notice>
{
    public static IProgress<Notice> Notices { get; } = new Quiet();

    public void Report(Notice value)
    {
        // Said to nobody.
    }
}
