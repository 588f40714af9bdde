using System.Text;

namespace AzureIaaS.Guests.FileSystems;

/// <summary>What a node of a Unix file system is: the highest four bits of its mode, where they matter here.</summary>
internal enum NodeKind
{
    /// <summary>A device, a pipe or a socket.</summary>
    Other = 0,

    /// <summary>A folder.</summary>
    Folder = 4,

    /// <summary>A file.</summary>
    File = 8,

    /// <summary>A symbolic link.</summary>
    Link = 10,
}

/// <summary>A file system of Unix: nodes with a mode, and symbolic links that are followed within it.</summary>
/// <typeparam name="TNode">Its nodes.</typeparam>
internal abstract class UnixFileSystem<TNode> : GuestFileSystem
    where TNode : class
{
    private const int MaxLinks = 40;
    private const int MaxTarget = 4096;

    /// <summary>The folder that paths start from.</summary>
    protected abstract TNode Root { get; }

    /// <inheritdoc/>
    public sealed override bool Exists(string path) => Find(path) is not null;

    /// <inheritdoc/>
    public sealed override GuestFile? Open(string path) => Find(path) is { } node && KindOf(node) == NodeKind.File ? Content(node) : null;

    /// <inheritdoc/>
    public sealed override IReadOnlyList<string> List(string path) => Find(path) is { } node && KindOf(node) == NodeKind.Folder
        ? [.. Names(node).Where(n => n is not ("." or ".."))]
        : [];

    /// <inheritdoc/>
    public sealed override string? Target(string path)
    {
        var (folder, name) = (Find(path[..path.LastIndexOf('/')]), path[(path.LastIndexOf('/') + 1)..]);
        return folder is not null && KindOf(folder) == NodeKind.Folder && Child(folder, name) is { } node && KindOf(node) == NodeKind.Link ? TargetOf(node) : null;
    }

    /// <summary>What kind of node it is, by its mode.</summary>
    /// <param name="mode">The mode.</param>
    protected static NodeKind KindOf(int mode) => (mode >> 12) switch
    {
        4 => NodeKind.Folder,
        8 => NodeKind.File,
        10 => NodeKind.Link,
        _ => NodeKind.Other,
    };

    /// <summary>What kind of node it is.</summary>
    /// <param name="node">The node.</param>
    protected abstract NodeKind KindOf(TNode node);

    /// <summary>Finds a name in a folder; null where it is not there.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="name">The name.</param>
    protected abstract TNode? Child(TNode folder, string name);

    /// <summary>The names in a folder; <c>.</c> and <c>..</c> may be among them.</summary>
    /// <param name="folder">The folder.</param>
    protected abstract IEnumerable<string> Names(TNode folder);

    /// <summary>What a file or link holds.</summary>
    /// <param name="node">The node.</param>
    protected abstract GuestFile Content(TNode node);

    private static IEnumerable<string> Backwards(string path) => Enumerable.Reverse(path.Split('/', StringSplitOptions.RemoveEmptyEntries));

    private string TargetOf(TNode link)
    {
        var content = Content(link);
        return content.Length <= MaxTarget ? Encoding.UTF8.GetString(content.ReadAll()) : throw new FileSystemException("a symbolic link of it is too long");
    }

    private TNode? Find(string path)
    {
        var links = 0;
        var rest = new Stack<string>(Backwards(path));
        var folders = new Stack<TNode>([Root]);
        while (rest.TryPop(out var name))
        {
            if (name == ".")
                continue;
            if (name == "..")
            {
                if (folders.Count > 1)
                    folders.Pop();
                continue;
            }

            if (KindOf(folders.Peek()) != NodeKind.Folder || Child(folders.Peek(), name) is not { } node)
                return null;
            if (KindOf(node) != NodeKind.Link)
            {
                folders.Push(node);
                continue;
            }

            if (++links > MaxLinks)
                throw new FileSystemException("its symbolic links lead round in a circle");
            var target = TargetOf(node);
            if (target.StartsWith('/'))
                folders = new Stack<TNode>([Root]);
            foreach (var part in Backwards(target))
                rest.Push(part);
        }

        return folders.Peek();
    }
}
