namespace AzureIaaS.Local.Machines;

/// <summary>A layer of a disk: a file that holds what differs from the layer it lies on.</summary>
/// <param name="Name">Its name, unique in its machine; QEMU's node has it too.</param>
/// <param name="File">The file's full path.</param>
/// <param name="Format">The file's format: <c>raw</c> for the first layer of a disk, <c>qcow2</c> for those upon it.</param>
/// <param name="Parent">The layer it lies on; null for the first.</param>
internal sealed record DiskLayer(string Name, string File, string Format, string? Parent)
{
    /// <summary>The format of an image that a process of ours serves read-only; the layer's file is its socket.</summary>
    public const string Served = "nbd";

    /// <summary>Whether it is not a file of the machine's, but an image that is served.</summary>
    public bool IsServed => Format == Served;
}

/// <summary>
/// The layers of a disk. The guest writes to the active one alone; the others are frozen, kept by a checkpoint or because others lie on them.
/// The store is the authority on which lies on which; what the files themselves say of it is for other programs.
/// </summary>
/// <param name="Disk">The disk's name.</param>
/// <param name="Active">The name of the active layer.</param>
/// <param name="NextNumber">The number that the next layer gets; none is used twice.</param>
/// <param name="Layers">All layers.</param>
internal sealed record DiskTree(string Disk, string Active, int NextNumber, IReadOnlyList<DiskLayer> Layers)
{
    /// <summary>A chain longer than this is warned about: every layer makes reading slower.</summary>
    public const int LongChain = 8;

    /// <summary>A chain longer than this is refused.</summary>
    public const int LongestChain = 32;

    /// <summary>The tree of a disk without checkpoints.</summary>
    /// <param name="disk">The disk.</param>
    public static DiskTree Of(VirtualDisk disk) => disk.Link is { } link ? Linked(disk, link)
        : new(disk.Name, disk.Name, 1, [new DiskLayer(disk.Name, disk.Path, disk.Format, null)]);

    /// <summary>The first layer of a linked disk, below the one that takes the guest's writes.</summary>
    public DiskLayer? Link => Layers.FirstOrDefault(l => l.IsServed);

    private static DiskTree Linked(VirtualDisk disk, DiskLink link)
    {
        var image = new DiskLayer(disk.Name + "-link", link.Socket, DiskLayer.Served, null);
        return new DiskTree(disk.Name, image.Name, 1, [image]).WithActive(new DiskLayer($"{disk.Name}-1", disk.Path, "qcow2", image.Name));
    }

    /// <summary>A layer by name.</summary>
    /// <param name="name">The name.</param>
    public DiskLayer this[string name] => Layers.First(l => l.Name == name);

    /// <summary>A layer and all below it, the first layer first.</summary>
    /// <param name="name">The layer's name.</param>
    public IReadOnlyList<DiskLayer> Chain(string name)
    {
        var chain = new List<DiskLayer>();
        for (var layer = (DiskLayer?)this[name]; layer is not null && chain.Count <= Layers.Count; layer = layer.Parent is { } parent ? this[parent] : null)
            chain.Insert(0, layer);
        return chain;
    }

    /// <summary>The layers that lie directly on a layer.</summary>
    /// <param name="name">The layer's name.</param>
    public IReadOnlyList<DiskLayer> Children(string name) => [.. Layers.Where(l => l.Parent == name)];

    /// <summary>The layer that would be laid on a layer next.</summary>
    /// <param name="on">The layer below it.</param>
    /// <param name="folder">The machine's folder.</param>
    public DiskLayer Next(string on, string folder)
    {
        var name = $"{Disk}-{NextNumber}";
        return new DiskLayer(name, Path.Combine(folder, name + ".qcow2"), "qcow2", on);
    }

    /// <summary>The tree with a layer added and made the active one.</summary>
    /// <param name="layer">The layer.</param>
    public DiskTree WithActive(DiskLayer layer) => this with { Active = layer.Name, NextNumber = NextNumber + 1, Layers = [.. Layers, layer] };

    /// <summary>The tree without a layer that nothing lies on.</summary>
    /// <param name="name">The layer's name.</param>
    public DiskTree Without(string name) => this with { Layers = [.. Layers.Where(l => l.Name != name)] };

    /// <summary>The tree after its copy has taken the served image's place.</summary>
    /// <param name="copy">The copy.</param>
    public DiskTree Flattened(DiskLayer copy) => this with
    {
        Layers = [copy, .. Layers.Where(l => !l.IsServed).Select(l => l.Parent == Link?.Name ? l with { Parent = copy.Name } : l)],
    };

    /// <summary>The tree after a layer was merged into the one below it: what lay on it lies on that one.</summary>
    /// <param name="name">The layer that was merged.</param>
    public DiskTree Merged(string name)
    {
        var parent = this[name].Parent!;
        return this with
        {
            Active = Active == name ? parent : Active,
            Layers = [.. Layers.Where(l => l.Name != name).Select(l => l.Parent == name ? l with { Parent = parent } : l)],
        };
    }
}
