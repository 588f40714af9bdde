namespace AzureIaaS.Guests.Testing;

/// <summary>A tool that is not installed, and the Debian package that brings it.</summary>
/// <param name="Tool">The command.</param>
/// <param name="Package">The package.</param>
public sealed record MissingTool(string Tool, string Package)
{
    internal static MissingTool Parse(string line) => line.Split(' ', 2) is [var tool, var package]
        ? new MissingTool(tool, package)
        : throw new FormatException($"'{line}' does not name a tool and a package.");
}

/// <summary>A guest cannot be built on this machine; the message says why and what would help.</summary>
public sealed class GuestBuildException : Exception
{
    /// <summary>Makes one.</summary>
    /// <param name="message">Why, and what would help.</param>
    /// <param name="missing">What is not installed.</param>
    public GuestBuildException(string message, IReadOnlyList<MissingTool> missing)
        : base(message) => Missing = missing;

    /// <summary>What is not installed; empty where the reason is another.</summary>
    public IReadOnlyList<MissingTool> Missing { get; }

    internal static GuestBuildException ForMissing(IReadOnlyList<MissingTool> missing)
    {
        var packages = string.Join(' ', missing.Select(m => m.Package).Distinct());
        var tools = string.Join(", ", missing.Select(m => m.Tool));
        return new GuestBuildException(
            $"The Linux guest is built on Debian or a system made from it, and these tools are missing here: {tools}. "
            + $"Install them: apt-get install {packages}", missing);
    }
}
