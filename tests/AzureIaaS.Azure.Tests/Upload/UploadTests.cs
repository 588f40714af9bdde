using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Tests.Support;

namespace AzureIaaS.Azure.Tests.Upload;

public sealed class UploadTests : IDisposable
{
    private const long MiB = 1 << 20;

    private readonly TestAzure _azure = new();

    public void Dispose() => _azure.Dispose();

    [Fact]
    public async Task An_image_becomes_a_fixed_VHD_of_whole_MiB_with_its_footer()
    {
        var path = _azure.Image("web01.img", (24 * MiB) + 1000, (0, 1), (70, 100), (5000, 3000), (24 << 10, 0));

        var machine = await _azure.ImportAsync(path);

        var blob = await ContentAsync(machine.Name, (25 * MiB) + 512);
        Assert.Equal(File.ReadAllBytes(path), blob[..(int)((24 * MiB) + 1000)]);
        Assert.All(blob[(int)((24 * MiB) + 1000)..(int)(25 * MiB)], b => Assert.Equal(0, b));
        Assert.Equal("conectix"u8.ToArray(), blob[^512..^504]);
        Assert.Equal(MachineState.Deallocated, machine.State);
        Assert.Equal("Unattached", State(machine.Name));
        Assert.Equal("V1", (string?)Disk(machine.Name)!["properties"]!["hyperVGeneration"]);
        Assert.Equal("Linux", (string?)Disk(machine.Name)!["properties"]!["osType"]);
    }

    [Fact]
    public async Task Only_what_is_not_zero_is_sent()
    {
        var path = _azure.Image("thin.img", 64 * MiB, (64, 64), (4096, 128), (40 << 10, 4096));

        await _azure.ImportAsync(path);

        Assert.Equal((64 + 128 + 4096) * 1024 + 512, ((BlobDouble)_azure.Blobs).BytesTaken);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_upload_that_was_cut_off_goes_on_where_it_was(bool grantsAgain)
    {
        _azure.Arm.GrantsAgain = grantsAgain;
        var path = _azure.Image("big.img", 128 * MiB, (0, 128 << 10));
        await CutOffAsync(path, 20);
        var sent = ((BlobDouble)_azure.Blobs).BytesTaken;
        var operation = Assert.Single(_azure.Session.ListOperations(includeEnded: false));
        _azure.Restart();

        await _azure.Session.ResumeOperationAsync(operation.Id, _azure, CancellationToken.None);

        var again = ((BlobDouble)_azure.Blobs).BytesTaken - sent - 512;
        var left = (128 * MiB) - sent;
        Assert.Equal(File.ReadAllBytes(path), (await ContentAsync("big", (128 * MiB) + 512))[..^512]);
        // What was in flight is at most eight blocks; without access to the old disk, it all begins anew, with a warning.
        Assert.InRange(again, left, grantsAgain ? left + (8 * 4 * MiB) : 128 * MiB);
        Assert.Equal(!grantsAgain, _azure.Notices.Any(n => n.Text.Contains("begins anew", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_upload_that_was_given_up_leaves_nothing()
    {
        var path = _azure.Image("gone.img", 64 * MiB, (0, 64 << 10));
        await CutOffAsync(path, 3);
        var operation = Assert.Single(_azure.Session.ListOperations(includeEnded: false));

        await _azure.Session.UndoOperationAsync(operation.Id, _azure);

        Assert.Single(_azure.Arm.Resources);   // the group
        Assert.Empty(_azure.Session.ListOperations(includeEnded: false));
    }

    [Fact]
    public async Task The_footer_goes_last()
    {
        var ranges = new List<string>();
        _azure.Arm.Intercept = r =>
        {
            if (IsPage(r))
            {
                lock (ranges)
                    ranges.Add(r.Headers["x-ms-range"]);
            }

            return null;
        };

        await _azure.ImportAsync(_azure.Image("last.img", 32 * MiB, (0, 100), (31 << 10, 1024)));

        Assert.Equal($"bytes={32 * MiB}-{(32 * MiB) + 511}", ranges[^1]);
    }

    [Fact]
    public async Task A_busy_service_is_asked_again_and_less()
    {
        var count = 0;
        _azure.Arm.Intercept = r => IsPage(r) && Interlocked.Increment(ref count) % 3 == 0
            ? Answer.Of(count % 2 == 0 ? 503 : 500, null, ("x-ms-error-code", count % 2 == 0 ? "ServerBusy" : "OperationTimedOut")) : null;
        var path = _azure.Image("busy.img", 64 * MiB, (0, 64 << 10));

        await _azure.ImportAsync(path);

        Assert.Equal(File.ReadAllBytes(path), (await ContentAsync("busy", (64 * MiB) + 512))[..^512]);
    }

    [Fact]
    public async Task Access_that_ends_in_the_middle_is_asked_for_again()
    {
        var count = 0;
        _azure.Arm.Intercept = r =>
        {
            if (IsPage(r) && Interlocked.Increment(ref count) == 5)
                _azure.Time.Advance(TimeSpan.FromHours(2));
            return null;
        };
        var path = _azure.Image("long.img", 64 * MiB, (0, 64 << 10));

        await _azure.ImportAsync(path);

        Assert.True(_azure.Arm.Requests.Count(r => r.Path.EndsWith("beginGetAccess", StringComparison.OrdinalIgnoreCase)) > 1);
        Assert.Equal(File.ReadAllBytes(path), (await ContentAsync("long", (64 * MiB) + 512))[..^512]);
    }

    [Fact]
    public async Task Pages_that_another_wrote_are_noticed()
    {
        _azure.Arm.Intercept = r =>
        {
            if (r.Query("comp") == "pagelist")
            {
                var foreign = new Request("PUT", new Uri(r.Uri.ToString().Replace("comp=pagelist", "comp=page", StringComparison.Ordinal)),
                    new Dictionary<string, string> { ["x-ms-range"] = $"bytes={30 * MiB}-{(30 * MiB) + 511}", ["x-ms-content-crc64"] = PageChecksum.Of(new byte[512]) }, new byte[512]);
                ((BlobDouble)_azure.Blobs).Handle(foreign, _azure.Time.GetUtcNow());
            }

            return null;
        };

        var e = await Assert.ThrowsAsync<IaaSException>(() => _azure.ImportAsync(_azure.Image("odd.img", 32 * MiB, (0, 100))));

        Assert.Equal("UploadDiffers", e.ErrorId);
        Assert.Contains($"{30 * MiB:N0}", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_network_an_upload_waits_to_be_resumed()
    {
        var count = 0;
        _azure.Arm.Intercept = r => (IsPage(r) && Interlocked.Increment(ref count) > 6) || count > 6 ? throw new HttpRequestException("no route to host") : null;
        var path = _azure.Image("cable.img", 64 * MiB, (0, 64 << 10));

        var e = await Assert.ThrowsAsync<IaaSException>(() => _azure.ImportAsync(path));

        Assert.Equal("StorageUnreachable", e.ErrorId);
        Assert.Equal(OperationState.Interrupted, Assert.Single(_azure.Session.ListOperations(false)).State);
        _azure.Arm.Intercept = _ => null;
        await _azure.ImportAsync(path);   // the same import again takes it up
        Assert.Equal(File.ReadAllBytes(path), (await ContentAsync("cable", (64 * MiB) + 512))[..^512]);
    }

    [Fact]
    public async Task No_secret_is_seen_anywhere()
    {
        var path = _azure.Image("quiet.img", 64 * MiB, (0, 64 << 10));
        var count = 0;
        _azure.Arm.Intercept = r => IsPage(r) && Interlocked.Increment(ref count) > 4 ? throw new HttpRequestException("no route to host") : null;
        var e = await Assert.ThrowsAnyAsync<Exception>(() => _azure.ImportAsync(path));
        _azure.Arm.Intercept = r => IsPage(r) ? Answer.Of(403, null, ("x-ms-error-code", "AuthenticationFailed")) : null;
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => _azure.Session.ResumeOperationAsync(_azure.Session.ListOperations(false)[0].Id, _azure, CancellationToken.None));
        _azure.Session.Dispose();

        var said = string.Join('\n', _azure.Notices.Select(n => n.Text)) + e + refused;
        var kept = string.Join('\n', Directory.EnumerateFiles(Path.Combine(_azure.Folder, "state"), "*", SearchOption.AllDirectories)
            .Select(f => System.Text.Encoding.Latin1.GetString(File.ReadAllBytes(f))));
        foreach (var secret in new[] { "sig=", "secret-token" })
        {
            Assert.DoesNotContain(secret, said, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, kept, StringComparison.Ordinal);
        }

        Assert.False(((DoubleHandler)_azure.Handler).TokenReachedBlob);
    }

    internal static bool IsPage(Request request) => request.Query("comp") == "page";

    /// <summary>Imports until so many pages have been sent, and no further.</summary>
    private async Task CutOffAsync(string path, int pages)
    {
        using var stop = new CancellationTokenSource();
        var count = 0;
        _azure.Arm.Intercept = r =>
        {
            if (IsPage(r) && Interlocked.Increment(ref count) > pages)
                stop.Cancel();
            stop.Token.ThrowIfCancellationRequested();
            return null;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _azure.ImportAsync(path, cancellation: stop.Token));
        _azure.Arm.Intercept = _ => null;
    }

    private async Task<byte[]> ContentAsync(string vm, long length) => await _azure.Blobs.ReadAsync($"farm-{vm}-disk0", 0, (int)length);

    private System.Text.Json.Nodes.JsonObject? Disk(string vm) => _azure.Arm.Resources.GetValueOrDefault(TestAzure.IdOf("Microsoft.Compute/disks", vm + "-disk0"));

    private string? State(string vm) => (string?)Disk(vm)?["properties"]?["diskState"];
}
