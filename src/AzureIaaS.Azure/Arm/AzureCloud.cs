using Azure.Identity;
using Azure.ResourceManager;
using AzureIaaS.Sessions;

namespace AzureIaaS.Azure.Arm;

/// <summary>A cloud of Azure: where its resource manager and its sign-in are.</summary>
/// <param name="Environment">The resource manager.</param>
/// <param name="Authority">Where one signs in.</param>
/// <param name="Emulator">The address that stands in for the resource manager; null for the real one.</param>
internal sealed record AzureCloud(ArmEnvironment Environment, Uri Authority, Uri? Emulator)
{
    /// <summary>Finds a cloud.</summary>
    /// <param name="name">Its name, or the address of an emulator on this computer.</param>
    /// <exception cref="IaaSException">There is none of that name.</exception>
    public static AzureCloud Of(string name) => name.ToUpperInvariant() switch
    {
        "AZUREPUBLICCLOUD" or "AZURECLOUD" or "" => new(ArmEnvironment.AzurePublicCloud, AzureAuthorityHosts.AzurePublicCloud, null),
        "AZURECHINACLOUD" => new(ArmEnvironment.AzureChina, AzureAuthorityHosts.AzureChina, null),
        "AZUREUSGOVERNMENT" => new(ArmEnvironment.AzureGovernment, AzureAuthorityHosts.AzureGovernment, null),
        _ when Uri.TryCreate(name, UriKind.Absolute, out var uri) && uri.Scheme == Uri.UriSchemeHttp && uri.IsLoopback =>
            new(ArmEnvironment.AzurePublicCloud, AzureAuthorityHosts.AzurePublicCloud, uri),
        _ => throw new IaaSException(ErrorKind.InvalidArgument, "UnknownCloud", $"'{name}' is not a cloud of Azure.",
            $"Give {AzureScope.PublicCloud}, AzureChinaCloud or AzureUSGovernment with -Environment; or an emulator on this computer, as http://127.0.0.1:8080.", name),
    };
}
