using System.Diagnostics;

namespace AzureIaaS.Local.Tests.Support;

/// <summary>Waits for what is to come sooner or later. How soon is nobody's promise on a busy machine: the limit is there only so that a test ends.</summary>
internal static class Until
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(120);

    /// <summary>Waits until something holds.</summary>
    /// <param name="holds">What is to hold.</param>
    /// <param name="otherwise">What is said when it never does.</param>
    public static Task HoldsAsync(Func<bool> holds, string otherwise) => HoldsAsync(() => Task.FromResult(holds()), () => otherwise);

    /// <summary>Waits until something holds.</summary>
    /// <param name="holds">What is to hold.</param>
    /// <param name="otherwise">What is said when it never does.</param>
    public static async Task HoldsAsync(Func<Task<bool>> holds, Func<string> otherwise)
    {
        for (var limit = Stopwatch.StartNew(); !await holds(); await Task.Delay(50))
        {
            if (limit.Elapsed > Limit)
                Assert.Fail(otherwise());
        }
    }
}
