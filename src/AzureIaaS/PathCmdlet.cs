using System.Management.Automation;
using AzureIaaS.Disks;
using AzureIaaS.Disks.Vmdk;
using Microsoft.PowerShell.Commands;

namespace AzureIaaS.PowerShell;

/// <summary>A cmdlet that knows files by PowerShell's paths.</summary>
public abstract class FileCmdlet : IaaSCmdlet
{
    /// <summary>A path of the file system, in full; the file need not be there. Null stays null.</summary>
    /// <param name="path">The path, as typed.</param>
    private protected string? FullPath(string? path) => path is null ? null : SessionState.Path.GetUnresolvedProviderPathFromPSPath(path);

    /// <summary>Paths of the file system, in full.</summary>
    /// <param name="paths">The paths, as typed.</param>
    private protected IReadOnlyList<string> FullPaths(IEnumerable<string> paths) => [.. paths.Select(p => FullPath(p)!)];

    /// <summary>The full paths of the files that a path means.</summary>
    /// <param name="path">The path, as typed.</param>
    /// <param name="isLiteral">Whether no character of it is a wildcard.</param>
    private protected IReadOnlyList<string> Resolve(string path, bool isLiteral) =>
        SourcePath.IsRemote(path) ? [path] : isLiteral || !WildcardPattern.ContainsWildcardCharacters(path) ? [Literal(path)] : Matching(path);

    private string Literal(string path)
    {
        var full = SessionState.Path.GetUnresolvedProviderPathFromPSPath(path, out var provider, out _);
        return CheckProvider(path, provider, full);
    }

    private List<string> Matching(string path)
    {
        var paths = GetResolvedProviderPathFromPSPath(path, out var provider);
        return paths.Select(p => CheckProvider(path, provider, p)).ToList();
    }

    private static string CheckProvider(string path, ProviderInfo provider, string full) => provider.ImplementingType == typeof(FileSystemProvider)
        ? full
        : throw new IaaSException(ErrorKind.InvalidArgument, "NotAFilePath", $"{path} is a path of PowerShell's {provider.Name} provider, not a file.", "Give the path of a file.", path);
}

/// <summary>A cmdlet over files: with wildcards, or literally; from the pipeline as text or as files.</summary>
public abstract class PathCmdlet : FileCmdlet
{
    private protected const string PathSet = "Path";
    private protected const string LiteralPathSet = "LiteralPath";

    /// <summary>The files, with wildcards.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true, ValueFromPipelineByPropertyName = true, ParameterSetName = PathSet)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [Paths]
    public string[] Path { get; set; } = [];

    /// <summary>The files, exactly as written.</summary>
    [Parameter(Mandatory = true, ValueFromPipelineByPropertyName = true, ParameterSetName = LiteralPathSet)]
    [Alias("PSPath", "FullName")]
    [ValidateNotNullOrEmpty]
    public string[] LiteralPath { get; set; } = [];

    /// <summary>
    /// The disks among the files that were named: a piece of a VMDK that came along with a pattern or by the pipeline is left out with a warning,
    /// for the descriptor that names it stands for all of them.
    /// </summary>
    private protected List<string> ResolveDisks()
    {
        var isChosenOneByOne = !MyInvocation.ExpectingInput && (ParameterSetName == LiteralPathSet || !Path.Any(WildcardPattern.ContainsWildcardCharacters));
        var paths = ResolvePaths();
        if (isChosenOneByOne)
            return paths;
        return [.. paths.Where(path =>
        {
            if (VmdkSiblings.DescriptorOf(path) is not { } descriptor)
                return true;
            WriteWarning($"{path} is a part of {System.IO.Path.GetFileName(descriptor)} and no disk by itself; it is left out.");
            return false;
        })];
    }

    /// <summary>The full paths of the files that were named; what cannot be found is an error record.</summary>
    private protected List<string> ResolvePaths()
    {
        var found = new List<string>();
        var isLiteral = ParameterSetName == LiteralPathSet;
        foreach (var path in isLiteral ? LiteralPath : Path)
            Try(path, () => found.AddRange(Resolve(path, isLiteral)));
        return found;
    }
}
