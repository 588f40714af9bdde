using System.Diagnostics;
using AzureIaaS.Disks;
using AzureIaaS.Imports;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.Imports;

/// <summary>Raw images on a file system that shares blocks (XFS with reflink): imported without copying, and independent all the same.</summary>
public sealed class CloneTests : IDisposable
{
    private const long Length = 96 << 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("azureiaas-clone-").FullName;
    private bool _mounted;

    public void Dispose()
    {
        if (_mounted)
            Run("umount", _folder + "/mnt");
        Directory.Delete(_folder, recursive: true);
    }

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task ARawImageIsSharedAndNotCopied(bool skipDigest)
    {
        Mount();
        using var fabric = new TestFabric(HypervisorKind.Simulated, _folder + "/mnt/fabric");
        var path = _folder + "/mnt/source.raw";
        File.Move(fabric.Guest(length: Length), _folder + "/boot.raw");
        File.Copy(_folder + "/boot.raw", path);
        var noise = new byte[60 << 20];
        new Random(2).NextBytes(noise);
        using (var file = new FileStream(path, FileMode.Open))
        {
            file.Position = 8 << 20;
            file.Write(noise);
            file.Flush(flushToDisk: true);
        }

        var content = await File.ReadAllBytesAsync(path);
        var before = new DriveInfo(_folder + "/mnt").AvailableFreeSpace;
        var machine = await fabric.Session.Imports.ImportAsync(new ImportRequest { Path = path, SkipDigest = skipDigest }, fabric.Notices, CancellationToken.None);
        var used = before - new DriveInfo(_folder + "/mnt").AvailableFreeSpace;
        Assert.True(used < 20 << 20, $"{used:N0} bytes were taken for {noise.Length:N0} of data");
        Assert.Contains(fabric.Notices.Details, d => d.Contains("shares its blocks", StringComparison.Ordinal));
        Assert.Equal(content, await File.ReadAllBytesAsync(machine.Disks[0].Path));
        Assert.Equal(skipDigest, machine.Disks[0].Digest is null);
        if (!skipDigest)
            Assert.Equal(DiskDigest.Describe([.. content.Chunk(DiskDigest.BlockSize).SelectMany(System.Security.Cryptography.SHA256.HashData)]), machine.Disks[0].Digest);

        // The image goes its own way, and the disk stays.
        using (var file = new FileStream(path, FileMode.Open))
            file.Write(new byte[32 << 20]);
        Assert.Equal(content, await File.ReadAllBytesAsync(machine.Disks[0].Path));
    }

    private void Mount()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "only root may mount a file system");
        Skip.IfNot(File.Exists("/usr/sbin/mkfs.xfs"), "mkfs.xfs is not installed (xfsprogs)");
        var image = _folder + "/xfs.raw";
        using (var file = File.Create(image))
            file.SetLength(512 << 20);
        Directory.CreateDirectory(_folder + "/mnt");
        _mounted = Run("/usr/sbin/mkfs.xfs", "-q", "-m", "reflink=1", image) == 0 && Run("mount", "-o", "loop", image, _folder + "/mnt") == 0;
        Skip.IfNot(_mounted, "no XFS with reflink can be mounted here");
    }

    private static int Run(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        process.WaitForExit();
        return process.ExitCode;
    }
}
