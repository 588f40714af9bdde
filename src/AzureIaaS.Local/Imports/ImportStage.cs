using AzureIaaS.Disks;
using AzureIaaS.Disks.Qcow2;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Imports;

/// <summary>A stage is a folder: disks, their journals while they are copied, their digests when they are done.</summary>
internal sealed class ImportStage(string folder) : ILinkStage, IPassStage
{
    private readonly MachineFiles _files = new(folder, folder);

    public Task<IDiskTarget> OpenDiskAsync(VirtualDisk disk, bool resume, CancellationToken cancellation)
    {
        PrivateFolder.Create(folder);
        return Task.FromResult<IDiskTarget>(SparseFileTarget.Open(_files.Disk(disk.Name), disk.Length, resume));
    }

    public ICopyJournal OpenJournal(VirtualDisk disk, bool resume)
    {
        PrivateFolder.Create(folder);
        return new FileCopyJournal(Journal(disk), DiskDigest.BlockCount(disk.Length), resume);
    }

    public Task FinishAsync(VirtualDisk disk, ReadOnlyMemory<byte> blockDigests, CancellationToken cancellation)
    {
        var digests = _files.Digests(disk.Name);
        File.WriteAllBytes(digests + ".new", blockDigests.ToArray());
        File.Move(digests + ".new", digests, overwrite: true);
        File.Delete(Journal(disk));
        File.Delete(Pass(disk));
        return Task.CompletedTask;
    }

    public byte[]? FinishedDigests(VirtualDisk disk) =>
        File.Exists(_files.Digests(disk.Name)) && File.Exists(_files.Disk(disk.Name)) && !File.Exists(Pass(disk)) ? File.ReadAllBytes(_files.Digests(disk.Name)) : null;

    public byte[]? BeginPass(VirtualDisk disk)
    {
        PrivateFolder.Create(folder);
        var known = FinishedDigests(disk);
        using (var pass = File.OpenHandle(Pass(disk), FileMode.OpenOrCreate, FileAccess.Write))
            RandomAccess.FlushToDisk(pass);
        return known;
    }

    public void Link(VirtualDisk disk)
    {
        PrivateFolder.Create(folder);
        var layer = _files.FirstLayer(disk.Name);
        File.Delete(layer);
        // The copy's name is written from the start; while there is none, QEMU is told what lies below.
        Qcow2Overlay.Create(layer, disk.Length, Path.Combine(Path.GetDirectoryName(disk.Path)!, Path.GetFileName(_files.Disk(disk.Name))), "raw");
    }

    public Task DiscardAsync()
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        return Task.CompletedTask;
    }

    private string Pass(VirtualDisk disk) => Path.Combine(folder, disk.Name + ".pass");

    private string Journal(VirtualDisk disk) => Path.Combine(folder, disk.Name + ".journal");
}
