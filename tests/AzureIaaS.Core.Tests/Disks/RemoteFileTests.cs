using AzureIaaS.Disks;
using AzureIaaS.Imports;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Disks;

/// <summary>Images at http addresses, read where they are.</summary>
public sealed class RemoteFileTests : IDisposable
{
    private readonly TestFolder _folder = new();
    private readonly RangeServer _server;

    public RemoteFileTests() => _server = new RangeServer(_folder["."]);

    public void Dispose()
    {
        _server.Dispose();
        _folder.Dispose();
    }

    [SkippableTheory]
    [InlineData("raw")]
    [InlineData("qcow2")]
    [InlineData("vhdx")]
    [InlineData("vmdk")]
    public void AnImageIsReadAtItsAddress(string format)
    {
        var content = Make(format);
        using var image = DiskFormat.OpenImage(_server[$"disk.{format}?token=x"]);
        Assert.Equal(format, image.Format.Name);
        DiskAssert.Holds(content, image);
    }

    [SkippableFact]
    public void InspectionReadsLittle()
    {
        Make("vhdx");
        var info = ImageInspection.Inspect(_server["disk.vhdx"], new DiskOpenOptions(), CancellationToken.None);
        Assert.Equal((24 << 20, _server["disk.vhdx"]), ((int)info.Length, info.Files[0].Path));
        Assert.InRange(_server.Sent, 1, 3 << 20);
        ImportSaga.CheckUnchanged(info.Files);
        File.SetLastWriteTimeUtc(_folder["disk.vhdx"], DateTimeOffset.UnixEpoch.UtcDateTime);
        Assert.Equal("SourceChanged", Assert.Throws<IaaSException>(() => ImportSaga.CheckUnchanged(info.Files)).ErrorId);
    }

    [SkippableFact]
    public void PassingTroubleIsOvercomeAndLastingTroubleIsSaid()
    {
        var content = Make("raw");
        using var image = DiskFormat.OpenImage(_server["disk.raw"]);
        var buffer = new byte[1 << 20];
        _server.Fail(2);
        image.Read(4 << 20, buffer);
        Assert.Equal(content.AsSpan(4 << 20, buffer.Length).ToArray(), buffer);
        _server.Fail(1000);
        var e = Assert.Throws<DiskImageException>(() => image.Read(6 << 20, buffer));
        Assert.Contains(_server["disk.raw"], e.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void AFileThatChangesUnderTheReaderIsNotMixed()
    {
        Make("raw");
        using var image = DiskFormat.OpenImage(_server["disk.raw"]);
        File.SetLastWriteTimeUtc(_folder["disk.raw"], DateTimeOffset.UnixEpoch.UtcDateTime);
        var e = Assert.Throws<DiskImageException>(() => image.Read(4 << 20, new byte[1 << 20]));
        Assert.Contains("has changed while it was read", e.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void WhatCannotBeReadIsRefused()
    {
        Make("raw");
        Assert.Contains("404", Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage(_server["other.raw"])).Message, StringComparison.Ordinal);
        Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage("http://user:secret@127.0.0.1:1/disk.raw"));
        Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage("http://127.0.0.1:1/disk.raw"));
        _server.HasRanges = false;
        Assert.Contains("no ranges", Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage(_server["disk.raw"])).Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public void AnImageAtAnAddressNamesNoFileOfThisComputer()
    {
        Make("raw");
        QemuTools.Img("create", "-f", "qcow2", "-F", "raw", "-b", _folder["disk.raw"], _folder["child.qcow2"]);
        var e = Assert.Throws<DiskImageException>(() => DiskFormat.OpenImage(_server["child.qcow2"]));
        Assert.True(e.Fault is DiskImageFault.ReferenceOutsideRoot or DiskImageFault.MissingReference, e.Message);
    }

    private byte[] Make(string format)
    {
        QemuTools.Require();
        var content = new byte[24 << 20];
        new Random(4).NextBytes(content.AsSpan(1 << 20, 9 << 20));
        (content[450], content[454], content[459], content[510], content[511]) = (0x83, 1, 4, 0x55, 0xAA);
        var raw = _folder.Write("disk.raw", content);
        if (format != "raw")
            QemuTools.Img("convert", "-f", "raw", "-O", format, raw, _folder["disk." + format]);
        return content;
    }
}
