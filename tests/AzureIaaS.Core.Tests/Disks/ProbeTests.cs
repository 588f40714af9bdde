using System.Diagnostics;
using AzureIaaS.Disks;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks;

/// <summary>Which format a file is taken for.</summary>
public sealed class ProbeTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(".img")]
    [InlineData(".raw")]
    [InlineData("")]
    [InlineData(".backup")]
    public void AFormatsSignatureCountsUnderAnyName(string extension)
    {
        foreach (var specimen in Specimen.All.Where(s => s.Companion is null && s.Name != "disk.raw"))
        {
            using var image = DiskFormat.OpenImage(_folder.Write("disk" + extension, specimen.Bytes));
            Assert.Equal(Path.GetExtension(specimen.Name)[1..], image.Format.Name);
            DiskAssert.Holds(specimen.Content, image);
        }
    }

    [Fact]
    public void AVhdSetIsNotTakenForAnEmptyVhdx() =>
        DiskAssert.Refuses(DiskImageFault.UnsupportedFormat, _folder.Write("disk.vhds", Specimen.All.Single(s => s.Name == "disk.vhdx").Bytes));

    [Theory]
    [InlineData("vhd")]
    [InlineData("vhdx")]
    [InlineData("vmdk")]
    [InlineData("qcow2")]
    public void AFormatThatTheUserInsistsOnIsStillChecked(string format)
    {
        var path = _folder.Write("disk.raw", TestImages.Pattern(300 << 10));
        DiskAssert.Refuses(DiskImageFault.Corrupt, path, new DiskOpenOptions { Format = format });
    }

    [Fact]
    public void AFileWithoutBytesOrSenseIsRefused()
    {
        DiskAssert.Refuses(DiskImageFault.Unreadable, _folder.Write("disk.raw", ""));
        DiskAssert.Refuses(DiskImageFault.Unreadable, _folder.Path);
        DiskAssert.Refuses(DiskImageFault.Unreadable, _folder["missing.vhdx"]);
        DiskAssert.Refuses(DiskImageFault.Unrecognised, _folder.Write("disk", new byte[100_000]));
        Assert.Throws<IaaSException>(() => DiskFormat.OpenImage(_folder.Write("disk", "x"), new DiskOpenOptions { Format = "floppy" }));
    }

    [SkippableFact]
    public async Task APipeIsRefusedAtOnce()
    {
        Skip.IfNot(QemuTools.IsInstalled("mkfifo"), "mkfifo is not installed");
        using (var process = Process.Start("mkfifo", _folder["disk.raw"])!)
            await process.WaitForExitAsync();
        File.CreateSymbolicLink(_folder["link.raw"], "disk.raw");
        foreach (var name in new[] { "disk.raw", "link.raw" })
            await Task.Run(() => DiskAssert.Refuses(DiskImageFault.Unreadable, _folder[name])).WaitAsync(TimeSpan.FromSeconds(20));
    }
}
