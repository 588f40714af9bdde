using Azure.Core;
using Azure.Identity;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Azure.Arm;

/// <summary>Makes what signs in. Nothing of it is kept; certificates and tokens stay where they are.</summary>
internal static class Credentials
{
    /// <summary>Makes what signs in to a context.</summary>
    /// <param name="scope">The context's choice.</param>
    /// <param name="notices">Receives what the user is to do; null where nobody would read it.</param>
    /// <exception cref="IaaSException">Something that the choice needs is missing.</exception>
    public static TokenCredential For(AzureScope scope, Func<IProgress<Notice>?> notices)
    {
        var cloud = AzureCloud.Of(scope.Environment);
        if (scope.SignIn == AzureSignIn.None && cloud.Emulator is null)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "SignInMissing", "Azure does not answer those who have not signed in.",
                "Leave -SignIn None to emulators; Connect-IaaS -Azure signs in with what az login has left.");
        }

        if (cloud.Emulator is not null)
            return new NoCredential();
        var authority = cloud.Authority;
        return scope.SignIn switch
        {
            AzureSignIn.DeviceCode => new DeviceCodeCredential(new DeviceCodeCredentialOptions
            {
                AuthorityHost = authority,
                TenantId = scope.Tenant,
                DeviceCodeCallback = (code, _) =>
                {
                    notices()?.Report(Notice.Warning(code.Message));
                    return Task.CompletedTask;
                },
            }),
            AzureSignIn.ManagedIdentity => new ManagedIdentityCredential(new ManagedIdentityCredentialOptions(
                scope.ClientId is { } id ? ManagedIdentityId.FromUserAssignedClientId(id) : ManagedIdentityId.SystemAssigned) { AuthorityHost = authority }),
            AzureSignIn.Certificate => new ClientCertificateCredential(
                Needed(scope.Tenant, "-Tenant"), Needed(scope.ClientId, "-ClientId"), Needed(scope.CertificatePath, "-CertificatePath"),
                new ClientCertificateCredentialOptions { AuthorityHost = authority }),
            AzureSignIn.WorkloadIdentity => new WorkloadIdentityCredential(
                new WorkloadIdentityCredentialOptions { AuthorityHost = authority, TenantId = scope.Tenant, ClientId = scope.ClientId }),
            _ => new ChainedTokenCredential(
                new EnvironmentCredential(new EnvironmentCredentialOptions { AuthorityHost = authority }),
                new AzureCliCredential(new AzureCliCredentialOptions { AuthorityHost = authority, TenantId = scope.Tenant }),
                new AzurePowerShellCredential(new AzurePowerShellCredentialOptions { AuthorityHost = authority, TenantId = scope.Tenant }),
                new AzureDeveloperCliCredential(new AzureDeveloperCliCredentialOptions { AuthorityHost = authority, TenantId = scope.Tenant })),
        };
    }

    private static string Needed(string? value, string parameter) => value is { Length: > 0 } given
        ? given
        : throw new IaaSException(ErrorKind.InvalidArgument, "SignInIncomplete", $"This way to sign in needs {parameter}.",
            "A service principal signs in with -Tenant, -ClientId and -CertificatePath together.");

    /// <summary>For emulators: a token that is worth nothing, and is taken off again before it is sent.</summary>
    private sealed class NoCredential : TokenCredential
    {
        public override AccessToken GetToken(TokenRequestContext requestContext, CancellationToken cancellationToken) => new("none", DateTimeOffset.MaxValue);

        public override ValueTask<AccessToken> GetTokenAsync(TokenRequestContext requestContext, CancellationToken cancellationToken) =>
            new(GetToken(requestContext, cancellationToken));
    }
}
