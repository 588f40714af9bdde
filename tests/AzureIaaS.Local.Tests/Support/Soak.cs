using System.Globalization;

namespace AzureIaaS.Local.Tests.Support;

/// <summary>How much longer than usual the long tests run: ./build.sh soak sets it.</summary>
internal static class Soak
{
    public static int Factor { get; } = int.TryParse(Environment.GetEnvironmentVariable("AZUREIAAS_SOAK"), NumberStyles.None, CultureInfo.InvariantCulture, out var n) ? Math.Max(1, n) : 1;
}
