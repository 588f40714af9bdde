using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Tests.Support;

namespace AzureIaaS.Azure.Tests.Upload;

/// <summary>Uploads to a real storage emulator on whose way things go wrong.</summary>
public sealed class FaultTests(FaultTests.Storage storage) : IClassFixture<FaultTests.Storage>, IDisposable
{
    private const int MiB = 1 << 20;
    private const int Size = 96;
    private const int Blocks = Size / 4;
    private const int InFlight = 8;
    private const int Data = 64 << 10;

    private TestAzure? _azure;

    public void Dispose() => _azure?.Dispose();

    [SkippableTheory]
    [InlineData("Busy", null)]
    [InlineData("BusyFor", null)]
    [InlineData("Reset", null)]
    [InlineData("ResetAfterwards", null)]
    [InlineData("Pretend", null)]
    [InlineData("Damage", "400 Crc64Mismatch")]
    [InlineData("Expire", "403 AuthorizationFailure")]
    public async Task What_passes_is_got_over_and_the_bytes_are_the_same(string fault, string? refusal)
    {
        var (azure, blobs) = Begin();
        var what = Enum.Parse<Fault>(fault);
        await blobs.ResetAsync(page => page is 2 or 15 ? what : Fault.None);

        var machine = await azure.ImportAsync(Image(azure, fault), r => r with { Name = fault });

        await CheckAsync(azure, blobs, fault);
        Assert.Equal(refusal is null ? [] : [refusal, refusal], blobs.Refusals);
        Assert.NotNull(machine.Disks[0].Digest);
        Assert.Equal(what == Fault.BusyFor, azure.Time.Waits.Exists(w => w == TimeSpan.FromSeconds(FaultyStorage.BusySeconds)));
        if (what == Fault.Expire)
            Assert.True(azure.Arm.Requests.Count(r => r.Path.EndsWith("beginGetAccess", StringComparison.OrdinalIgnoreCase)) > 1);
    }

    [SkippableTheory]
    [InlineData("Busy", "StorageFailed", "503 ServerBusy")]
    [InlineData("Reset", "StorageUnreachable", "no answer came")]
    [InlineData("Pretend", "StorageFailed", "in the storage service's place")]
    [InlineData("Damage", "StorageFailed", "400 Crc64Mismatch")]
    [InlineData("Expire", "DiskAccessRefused", "403")]
    public async Task What_does_not_pass_leaves_an_upload_that_goes_on(string fault, string id, string says)
    {
        var (azure, blobs) = Begin();
        await blobs.ResetAsync(page => page >= Blocks / 2 ? Enum.Parse<Fault>(fault) : Fault.None);
        var (name, path) = ("stays-" + fault, Image(azure, fault));

        var e = await Assert.ThrowsAsync<IaaSException>(() => azure.ImportAsync(path, r => r with { Name = name }));

        Assert.Equal(id, e.ErrorId);
        Assert.Contains(says, e.Message, StringComparison.Ordinal);
        await ResumeAsync(azure, blobs, name, Blocks / 2);
    }

    [SkippableFact]
    public async Task A_lease_that_somebody_takes_stops_an_upload_until_it_is_broken()
    {
        var (azure, blobs) = Begin();
        await blobs.ResetAsync();
        var (name, path, taken) = ("leased", Image(azure, "leased"), 0);
        azure.Arm.Afterwards = (request, answer) =>
        {
            // While the first access is being granted: before any page, after the blob is made.
            if (request.Path.EndsWith("beginGetAccess", StringComparison.OrdinalIgnoreCase) && Interlocked.Increment(ref taken) == 1)
                blobs.LeaseAsync($"farm-{name}-disk0", take: true).GetAwaiter().GetResult();
            return answer;
        };

        var e = await Assert.ThrowsAsync<IaaSException>(() => azure.ImportAsync(path, r => r with { Name = name }));

        Assert.Equal(("DiskNotWritable", ErrorKind.InvalidState), (e.ErrorId, e.Kind));
        await blobs.SettleAsync();
        Assert.All(blobs.Refusals, r => Assert.Equal("412 LeaseIdMissing", r));
        await blobs.LeaseAsync($"farm-{name}-disk0", take: false);
        await ResumeAsync(azure, blobs, name, sent: 0);
    }

    /// <summary>Goes on with what was cut off: what the storage has taken is not sent again, but for what was under way.</summary>
    private static async Task ResumeAsync(TestAzure azure, FaultyStorage blobs, string name, int sent)
    {
        await blobs.SettleAsync();
        Assert.Equal(sent, blobs.Taken);
        var operation = Assert.Single(azure.Session.ListOperations(includeEnded: false));
        Assert.Equal(OperationState.Interrupted, operation.State);
        await blobs.ResetAsync();

        await azure.Session.ResumeOperationAsync(operation.Id, azure, CancellationToken.None);

        Assert.InRange(blobs.Taken, Blocks - sent + 1, Blocks + 1 - Math.Max(0, sent - InFlight));   // and the footer
        await CheckAsync(azure, blobs, name);
        Assert.Empty(azure.Session.ListOperations(includeEnded: false));
    }

    private static async Task CheckAsync(TestAzure azure, FaultyStorage blobs, string name)
    {
        // Where there is data; that there is none elsewhere, the upload itself has asked the storage.
        var (disk, source) = ($"farm-{name.ToLowerInvariant()}-disk0", File.ReadAllBytes(Directory.EnumerateFiles(azure.Folder, "*.img").Single()));
        for (var at = 0; at < source.Length; at += 4 * MiB)
            Assert.Equal(source[at..(at + Data)], await blobs.ReadAsync(disk, at, Data));
        Assert.Equal("conectix"u8.ToArray(), (await blobs.ReadAsync(disk, Size * MiB, 512))[..8]);
        Assert.Equal("Unattached", (string?)azure.Arm.Resources[TestAzure.IdOf("Microsoft.Compute/disks", name + "-disk0")]["properties"]!["diskState"]);
    }

    /// <summary>A little in each block, so that there are many pages and few bytes.</summary>
    private static string Image(TestAzure azure, string name) => azure.Image(name + ".img", Size * MiB, [.. Enumerable.Range(0, Blocks).Select(i => (i << 12, Data >> 10))]);

    private (TestAzure Azure, FaultyStorage Blobs) Begin()
    {
        Skip.If(storage.Blobs is null, "azurite-blob is not installed; ./build.sh test does that where there is npm.");
        _azure = new TestAzure(storage.Blobs, real: true);
        return (_azure, storage.Blobs!);
    }

    /// <summary>One emulator for all of them; each has disks of its own.</summary>
    public sealed class Storage : IAsyncLifetime
    {
        internal FaultyStorage? Blobs { get; private set; }

        public async Task InitializeAsync() => Blobs = Azurite.Program is null ? null : await FaultyStorage.StartAsync();

        public Task DisposeAsync()
        {
            Blobs?.Dispose();
            return Task.CompletedTask;
        }
    }
}
