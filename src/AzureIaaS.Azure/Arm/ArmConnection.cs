using Azure.Core;
using Azure.Core.Pipeline;
using Azure.ResourceManager;
using Azure.ResourceManager.Resources;
using AzureIaaS.Sessions;

namespace AzureIaaS.Azure.Arm;

/// <summary>The way to the resource manager of a context: the client, its manners, and what carries requests.</summary>
internal sealed class ArmConnection : IDisposable
{
    /// <summary>The version of Microsoft.Network that is spoken.</summary>
    public const string NetworkVersion = "2023-09-01";

    /// <summary>The version of Microsoft.Network's private names that is spoken; it is one of its own.</summary>
    public const string PrivateDnsVersion = "2020-06-01";

    private const int MostRetries = 5;

    private readonly HttpMessageHandler _handler;
    private readonly HttpClient _http;

    /// <summary>Prepares the way; nothing is sent yet.</summary>
    /// <param name="scope">Where in Azure.</param>
    /// <param name="credential">What signs in.</param>
    /// <param name="time">The clock.</param>
    /// <param name="handler">What carries requests instead of the network; for tests.</param>
    /// <param name="retryDelay">How long to wait before the first retry; null for what Azure advises.</param>
    public ArmConnection(AzureScope scope, TokenCredential credential, TimeProvider time, HttpMessageHandler? handler = null, TimeSpan? retryDelay = null)
    {
        Scope = scope;
        Time = time;
        var cloud = AzureCloud.Of(scope.Environment);
        ShortestWait = cloud.Emulator is null ? TimeSpan.FromSeconds(5) : TimeSpan.FromMilliseconds(200);
        _handler = handler ?? new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.FromMinutes(10), AutomaticDecompression = System.Net.DecompressionMethods.All };
        // Bearer tokens are refused over http, so an emulator is spoken to as if it were Azure, and its address put in at the last moment.
        _http = new HttpClient(cloud.Emulator is { } emulator ? new EmulatorHandler(emulator, cloud.Environment.Endpoint, _handler) : _handler, disposeHandler: false)
        {
            Timeout = Timeout.InfiniteTimeSpan,   // each request has its own
        };
        var options = new ArmClientOptions { Environment = cloud.Environment, Transport = new HttpClientTransport(_http) };
        options.Retry.MaxRetries = MostRetries;
        options.Retry.Delay = retryDelay ?? options.Retry.Delay;
        options.Retry.NetworkTimeout = TimeSpan.FromMinutes(2);
        options.Diagnostics.IsLoggingContentEnabled = false;
        options.AddPolicy(new HostPin(cloud.Environment.Endpoint), HttpPipelinePosition.PerCall);
        options.AddPolicy(new ThrottleWatch(), HttpPipelinePosition.PerRetry);
        foreach (var type in NetworkTypes)
            options.SetApiVersion("Microsoft.Network/" + type, NetworkVersion);
        foreach (var type in new[] { Networks.PrivateDns.Zones, Networks.PrivateDns.Links })
            options.SetApiVersion(type, PrivateDnsVersion);
        Client = new ArmClient(credential, scope.Subscription.ToString(), options);
        BlobPipeline = Upload.PageBlob.Pipeline(new HttpClientTransport(_http));
    }

    /// <summary>Where in Azure.</summary>
    public AzureScope Scope { get; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; }

    /// <summary>How long to wait at least before an operation is asked about again. An emulator counts no questions.</summary>
    public TimeSpan ShortestWait { get; }

    /// <summary>The client.</summary>
    public ArmClient Client { get; }

    /// <summary>The resource group; nothing is asked of Azure by naming it.</summary>
    public ResourceGroupResource Group => Client.GetResourceGroupResource(ResourceGroupResource.CreateResourceIdentifier(Scope.Subscription.ToString(), Scope.ResourceGroup));

    /// <summary>The subscription.</summary>
    public SubscriptionResource Subscription => Client.GetSubscriptionResource(SubscriptionResource.CreateResourceIdentifier(Scope.Subscription.ToString()));

    /// <summary>What carries requests to blobs, without tokens.</summary>
    public HttpPipeline BlobPipeline { get; }

    /// <summary>The region that a machine is in: the context's, but for one that has failed over to another.</summary>
    /// <param name="machine">The machine.</param>
    public string RegionOf(VirtualMachine machine) => machine.Region ?? Scope.Location;

    private static string[] NetworkTypes => ["virtualNetworks", "networkSecurityGroups", "networkSecurityGroups/securityRules", "networkInterfaces", "publicIPAddresses", "virtualNetworkGateways", "localNetworkGateways", "connections"];

    /// <summary>The full id of something in the group.</summary>
    /// <param name="type">Its type, with the provider: <c>Microsoft.Network/networkInterfaces</c>.</param>
    /// <param name="name">Its name.</param>
    public ResourceIdentifier IdOf(string type, string name) =>
        new($"/subscriptions/{Scope.Subscription}/resourceGroups/{Scope.ResourceGroup}/providers/{type}/{name}");

    public void Dispose()
    {
        _http.Dispose();
        _handler.Dispose();
    }

    /// <summary>Sends what is meant for the resource manager to an emulator, without the token.</summary>
    private sealed class EmulatorHandler(Uri emulator, Uri home, HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (request.RequestUri!.Host == home.Host)
            {
                request.Headers.Authorization = null;
                request.RequestUri = new UriBuilder(request.RequestUri) { Scheme = emulator.Scheme, Host = emulator.Host, Port = emulator.Port }.Uri;
            }

            return base.SendAsync(request, cancellationToken);
        }
    }
}
