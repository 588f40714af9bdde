using System.IO.Compression;

namespace AzureIaaS.Tests.Support;

/// <summary>A row of the index of images that other people's tools wrote.</summary>
internal sealed record SharedImage(string Path, string Format, string Kind, long Size, string VirtualSize, string RawSha256, string Notes);

/// <summary>Images that other people's tools wrote. They are no part of the project: they lie beside it, or the tests that want them are skipped.</summary>
internal static class SharedImages
{
    /// <summary>The project's folder.</summary>
    public static string Project { get; } = FindProject();

    private static readonly Lazy<string?> Root = new(FindRoot);

    public static IReadOnlyList<SharedImage> Index { get; } = ReadIndex();

    public static void Require() => Skip.If(Root.Value is null, "the folder ../shared/images beside the project is absent");

    /// <summary>Puts an image into a folder, unpacked, with the files beside it that have its name's beginning.</summary>
    public static string Put(TestFolder folder, SharedImage image)
    {
        var source = Path.Combine(Root.Value!, image.Path);
        var name = Path.GetFileName(source);
        var stem = Path.GetFileNameWithoutExtension(name);
        var wanted = image.Kind == "differencing" ? "*" + Path.GetExtension(name) + "*" : stem + "*";   // its parent has another name
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(source)!, wanted))
        {
            using var from = File.OpenRead(file);
            var isPacked = file.EndsWith(".gz", StringComparison.Ordinal);
            using var to = File.Create(folder[isPacked ? Path.GetFileNameWithoutExtension(file) : Path.GetFileName(file)]);
            using Stream content = isPacked ? new GZipStream(from, CompressionMode.Decompress) : from;
            content.CopyTo(to);
        }

        return folder[name];
    }

    private static string? FindRoot()
    {
        var root = Path.Combine(Path.GetDirectoryName(Project)!, "shared", "images");
        return File.Exists(Path.Combine(root, "INDEX.tsv")) ? root : null;
    }

    private static string FindProject()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "AzureIaaS.slnx")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not lie in the project's folder.");
        return folder;
    }

    private static SharedImage[] ReadIndex()
    {
        if (Root.Value is not { } root)
            return [];
        var lines = File.ReadLines(Path.Combine(root, "INDEX.tsv")).Select(l => l.Split('\t')).ToList();
        int Column(string name) => Array.IndexOf(lines[0], name);
        string Cell(string[] line, string name) => Column(name) < line.Length ? line[Column(name)] : "";
        return [.. lines.Skip(1).Select(l => new SharedImage(Cell(l, "path"), Cell(l, "format"), Cell(l, "kind"),
            long.TryParse(Cell(l, "size"), out var size) ? size : 0, Cell(l, "virtual_size"), Cell(l, "raw_sha256"), Cell(l, "notes")))];
    }
}
