using System.Text.Json.Serialization;

namespace AzureIaaS.Sessions;

/// <summary>How a context signs in to Azure. What it signs in with is never kept: only this choice.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<AzureSignIn>))]
public enum AzureSignIn
{
    /// <summary>With what the developer's tools on this computer have: environment, workload identity, az, azd, Azure PowerShell.</summary>
    Developer,

    /// <summary>With a code that is typed into a browser on any device.</summary>
    DeviceCode,

    /// <summary>As the identity of the machine or runbook that it runs on.</summary>
    ManagedIdentity,

    /// <summary>As a service principal, by a certificate in a file.</summary>
    Certificate,

    /// <summary>As a federated workload, by a token in a file.</summary>
    WorkloadIdentity,

    /// <summary>Not at all: an emulator on this computer.</summary>
    None,
}

/// <summary>Where in Azure machines live, and how to get there. It holds no secret.</summary>
public sealed class AzureScope
{
    /// <summary>The subscription's id.</summary>
    public Guid Subscription { get; set; }

    /// <summary>The resource group.</summary>
    public string ResourceGroup { get; set; } = "";

    /// <summary>The region; empty until the first connection has asked the resource group.</summary>
    public string Location { get; set; } = "";

    /// <summary>
    /// The cloud: <c>AzurePublicCloud</c>, <c>AzureChinaCloud</c>, <c>AzureUSGovernment</c>, or the address of an emulator's resource manager on
    /// this computer.
    /// </summary>
    public string Environment { get; set; } = PublicCloud;

    /// <summary>The tenant to sign in to; null for the credential's own.</summary>
    public string? Tenant { get; set; }

    /// <summary>How it signs in.</summary>
    public AzureSignIn SignIn { get; set; }

    /// <summary>The id of the service principal, or of a user-assigned identity; null for none.</summary>
    public string? ClientId { get; set; }

    /// <summary>The file that holds the certificate, for <see cref="AzureSignIn.Certificate"/>.</summary>
    public string? CertificatePath { get; set; }

    /// <summary>The subnet that machines are put on, by its full resource id; null for the group's own, which is made when it is needed.</summary>
    public string? Subnet { get; set; }

    /// <summary>The name of the cloud that most people mean.</summary>
    public const string PublicCloud = "AzurePublicCloud";

    /// <summary>The group and its region.</summary>
    public override string ToString() => Location.Length == 0 ? ResourceGroup : $"{ResourceGroup} ({Location})";
}
