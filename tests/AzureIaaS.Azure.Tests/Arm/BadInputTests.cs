using System.Net;
using System.Net.Sockets;
using System.Text;
using Azure.Core;
using Azure.Identity;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Azure.Machines;
using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Azure.Upload;
using AzureIaaS.Sessions;

namespace AzureIaaS.Azure.Tests.Arm;

/// <summary>Who is not let in, and what stands between: each is told in a sentence with what to do. What an image or a name can have wrong is refused in the tests of machines.</summary>
public sealed class BadInputTests
{
    private static readonly AzureScope Scope = new() { Subscription = TestAzure.Subscription, ResourceGroup = "farm", Location = "westeurope" };

    [Fact]
    public async Task Nobody_signed_in() => Says(await ConnectAsync(new Refusing(new CredentialUnavailableException("Please run 'az login' to set up an account."))),
        ErrorKind.AccessDenied, "NotSignedIn", "nobody is signed in", "az login");

    [Theory]
    [InlineData("AADSTS90002: Tenant 'contoso.example' not found.", "-Tenant")]
    [InlineData("AADSTS700024: Client assertion is not within its valid time range.", "clock")]
    [InlineData("AADSTS7000222: The provided client secret keys are expired.", "credential")]
    public async Task A_wrong_tenant_a_wrong_clock_and_a_credential_that_has_expired(string said, string remedy) =>
        Says(await ConnectAsync(new Refusing(new AuthenticationFailedException(said))), ErrorKind.AccessDenied, "SignInFailed", said, remedy);

    [Theory]
    [InlineData(401, "ExpiredAuthenticationToken", "The access token expiry UTC time is earlier than current UTC time.", ErrorKind.AccessDenied, "TokenRefused", "clock")]
    [InlineData(401, "InvalidAuthenticationTokenTenant", "The access token is from the wrong issuer.", ErrorKind.AccessDenied, "TokenRefused", "-Tenant")]
    [InlineData(403, "AuthorizationFailed", "The client 'x' does not have authorization to perform action 'Microsoft.Resources/subscriptions/resourceGroups/read' over scope '/subscriptions/1'.", ErrorKind.AccessDenied, "AzureForbids", "Microsoft.Resources/subscriptions/resourceGroups/read")]
    [InlineData(404, "SubscriptionNotFound", "The subscription '1' could not be found.", ErrorKind.NotFound, "SubscriptionNotFound", "Get-IaaSContext")]
    public async Task A_token_that_has_expired_or_is_of_another_tenant_and_a_subscription_without_rights(int status, string code, string said, ErrorKind kind, string id, string remedy)
    {
        using var azure = new TestAzure();
        azure.Arm.Intercept = _ => ArmDouble.Answer.Error(status, code, said);

        Says(await Assert.ThrowsAsync<IaaSException>(() => ((Providers.IConnectable)azure.Provider).ConnectAsync(azure, default)), kind, id, said.TrimEnd('.'), remedy);
    }

    [Fact]
    public async Task A_proxy_that_is_not_there()
    {
        using var handler = new SocketsHttpHandler { Proxy = new WebProxy("http://127.0.0.1:9"), UseProxy = true };

        Says(await ConnectAsync(new Refusing(null), handler), ErrorKind.Failed, "AzureUnreachable", "could not be reached", "HTTPS_PROXY");
    }

    [Fact]
    public async Task A_proxy_that_wants_to_know_who_asks()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        _ = ServeAsync(listener);
        using var handler = new SocketsHttpHandler { Proxy = new WebProxy($"http://127.0.0.1:{((IPEndPoint)listener.LocalEndpoint).Port}"), UseProxy = true };

        Says(await ConnectAsync(new Refusing(null), handler), ErrorKind.Failed, "AzureUnreachable", "407", "HTTPS_PROXY");
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_clock_that_is_an_hour_off_neither_lets_access_run_out_nor_asks_for_it_all_the_time(int hours)
    {
        var (true_, own, asked) = (new FastTime(), new FastTime(), 0);
        own.Advance(TimeSpan.FromHours(hours));
        using var access = new SasAccess(
            (lifetime, _) => Task.FromResult(new Uri($"https://disks.double/{++asked}?se={Uri.EscapeDataString((true_.GetUtcNow() + lifetime).ToString("yyyy-MM-ddTHH:mm:ssZ", System.Globalization.CultureInfo.InvariantCulture))}")),
            SasAccess.DefaultLifetime, own);
        var expiry = true_.GetUtcNow() + SasAccess.DefaultLifetime;

        for (var minute = 0; minute < 240; minute++)
        {
            var before = asked;
            await access.GetAsync(default);
            expiry = asked > before ? true_.GetUtcNow() + SasAccess.DefaultLifetime : expiry;
            Assert.True(expiry > true_.GetUtcNow() + TimeSpan.FromMinutes(10), $"after {minute} minutes");
            true_.Advance(TimeSpan.FromMinutes(1));
            own.Advance(TimeSpan.FromMinutes(1));
        }

        Assert.InRange(asked, 4, 6);
    }

    private static void Says(IaaSException e, ErrorKind kind, string id, string message, string remedy)
    {
        Assert.Equal((kind, id, true), (e.Kind, e.ErrorId, e.Remedy is not null));
        Assert.Contains(message, e.Message, StringComparison.Ordinal);
        Assert.Contains(remedy, e.Remedy, StringComparison.Ordinal);
    }

    private static async Task<IaaSException> ConnectAsync(TokenCredential credential, HttpMessageHandler? handler = null)
    {
        using var connection = new ArmConnection(Scope, credential, new FastTime(), handler ?? new DoubleHandler(new ArmDouble.Arm(TimeProvider.System, new ArmDouble.BlobDouble(new Uri("https://disks.double")))), TimeSpan.FromMilliseconds(1));
        return await Assert.ThrowsAsync<IaaSException>(() => new GroupKeeper(connection).EnsureAsync(Quiet.Notices, default));
    }

    private static async Task ServeAsync(TcpListener listener)
    {
        try
        {
            while (true)
            {
                using var client = await listener.AcceptTcpClientAsync();
                await client.GetStream().ReadAtLeastAsync(new byte[4096], 1);
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IOException)
        {
            // The test is over.
        }
    }

    /// <summary>A credential that fails; or gives a token that nobody will see.</summary>
    private sealed class Refusing(Exception? failure) : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            failure is null ? new("none", DateTimeOffset.MaxValue) : throw failure;

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) => new(GetToken(requestContext, cancellationToken));
    }
}
