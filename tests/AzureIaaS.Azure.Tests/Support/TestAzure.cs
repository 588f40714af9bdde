using System.Collections.Concurrent;
using System.Globalization;
using Azure.Core;
using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Imports;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;
using AzureIaaS.Store;

namespace AzureIaaS.Azure.Tests.Support;

/// <summary>A resource group of the double with a computer that works on it; several computers can work on one group.</summary>
internal sealed class TestAzure : IDisposable, IProgress<Notice>
{
    public static readonly Guid Subscription = Guid.Parse("11111111-2222-3333-4444-555555555555");

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("azureiaas-azure-");
    private readonly bool _ownsArm;

    public TestAzure(IBlobs? blobs = null, bool real = false)
    {
        Blobs = blobs ?? new BlobDouble(new Uri($"https://{DoubleHandler.BlobHost}/"));
        Arm = new ArmDouble.Arm(Time, Blobs);
        foreach (var (name, types) in SharedAzure.Types)
            Arm.Types[char.ToUpperInvariant(name[0]) + name[1..].Replace("icrosoft.c", "icrosoft.C", StringComparison.Ordinal).Replace("icrosoft.n", "icrosoft.N", StringComparison.Ordinal)] = types;
        foreach (var (name, schemas) in SharedAzure.Schemas)
            Arm.Schemas[name] = schemas;
        _ownsArm = true;
        Handler = real ? new SplitHandler(new DoubleHandler(Arm)) : new DoubleHandler(Arm);
        Session = Open();
        Connect();
    }

    private TestAzure(TestAzure other)
    {
        (Blobs, Arm, Time) = (other.Blobs, other.Arm, other.Time);
        Handler = new DoubleHandler(Arm);
        Session = Open();
    }

    public FastTime Time { get; } = new();

    public IBlobs Blobs { get; }

    public ArmDouble.Arm Arm { get; }

    public HttpMessageHandler Handler { get; private set; }

    public IaaSSession Session { get; private set; }

    public ConcurrentQueue<Notice> Notices { get; } = new();

    public string Folder => _folder.FullName;

    public static string GroupId => $"/subscriptions/{Subscription}/resourceGroups/farm";

    public IVmProvider Provider => Session.Provider;

    public static string IdOf(string type, string name) => $"{GroupId}/providers/{type}/{name}";

    public void Report(Notice value) => Notices.Enqueue(value);

    /// <summary>Another computer that knows nothing but the group.</summary>
    public TestAzure OtherComputer() => new(this);

    /// <summary>Ends this computer's process, and begins it anew.</summary>
    public void Restart()
    {
        Session.Dispose();
        Handler = new DoubleHandler(Arm);
        Session = Open();
    }

    public Task<VirtualMachine> ImportAsync(string path, Func<ImportRequest, ImportRequest>? with = null, CancellationToken cancellation = default)
    {
        var request = new ImportRequest { Path = path, OSType = GuestOSType.Linux, Firmware = Firmware.Bios };
        return Session.Imports.ImportAsync(with?.Invoke(request) ?? request, this, cancellation);
    }

    /// <summary>A sparse raw image: random runs at the given places, in KiB.</summary>
    public string Image(string name, long length, params (int AtKiB, int KiB)[] runs)
    {
        var path = Path.Combine(Folder, name);
        using var file = File.Create(path);
        file.SetLength(length);
        var random = new Random(name.GetHashCode(StringComparison.Ordinal));
        foreach (var (at, size) in runs)
        {
            var data = new byte[size << 10];
            random.NextBytes(data);
            file.Position = (long)at << 10;
            file.Write(data);
        }

        return path;
    }

    public void Dispose()
    {
        Session.Dispose();
        _folder.Delete(recursive: true);
        if (_ownsArm && SharedAzure.Folder is not null)
            Assert.Empty(Arm.Problems);
    }

    private void Connect() => ((IConnectable)Provider).ConnectAsync(this, CancellationToken.None).GetAwaiter().GetResult();

    private IaaSSession Open()
    {
        var context = new IaaSContext
        {
            Name = "azure",
            Provider = IaaSContext.AzureProvider,
            Path = Path.Combine(Folder, "state"),
            Azure = new AzureScope { Subscription = Subscription, ResourceGroup = "farm", Location = "westeurope" },
        };
        return IaaSSession.Open(context, new StoreAdapter(), new Adapter(this), null, Time);
    }

    private sealed class Adapter(TestAzure azure) : IProviderAdapter
    {
        public string StateFolder(IaaSContext context) => context.Path;

        public IVmProvider Open(IaaSContext context, IStateStore store, TimeProvider time, WatcherCommand? watcher) =>
            new AzureProvider(store, new ArmConnection(context.Azure!, new Token(), time, azure.Handler, TimeSpan.FromMilliseconds(1)), context.Path);
    }

    /// <summary>A token that can be told when it turns up where it should not.</summary>
    private sealed class Token : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            new("secret-token", DateTimeOffset.Parse("2100-01-01", CultureInfo.InvariantCulture));

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            new(GetToken(requestContext, cancellationToken));
    }

    /// <summary>The resource manager from the double, blobs from the network.</summary>
    private sealed class SplitHandler(HttpMessageHandler arm) : HttpMessageHandler
    {
        private readonly HttpMessageInvoker _arm = new(arm);
        private readonly HttpMessageInvoker _network = new(new SocketsHttpHandler());

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            (request.RequestUri!.IsLoopback ? _network : _arm).SendAsync(request, cancellationToken);

        protected override void Dispose(bool disposing)
        {
            _arm.Dispose();
            _network.Dispose();
            base.Dispose(disposing);
        }
    }
}
