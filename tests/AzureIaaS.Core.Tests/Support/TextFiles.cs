using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Tests.Support;

/// <summary>Files that a test writes down, as a guest's file system.</summary>
internal sealed class TextFiles(params (string Path, string Text)[] files) : GuestFileSystem
{
    public override bool Exists(string path) => files.Any(f => f.Path == path || f.Path.StartsWith(path + "/", StringComparison.Ordinal));

    public override GuestFile? Open(string path) => files.Where(f => f.Path == path).Select(f => new InlineFile(System.Text.Encoding.UTF8.GetBytes(f.Text))).FirstOrDefault();

    public override IReadOnlyList<string> List(string path) =>
        [.. files.Where(f => f.Path.StartsWith(path.TrimEnd('/') + "/", StringComparison.Ordinal)).Select(f => f.Path[(path.TrimEnd('/').Length + 1)..].Split('/')[0]).Distinct()];
}
