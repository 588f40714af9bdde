using System.Text.Json.Serialization;

namespace AzureIaaS;

/// <summary>What encrypts the packets of a tunnel (ESP, RFC 4303).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<IpsecEngine>))]
public enum IpsecEngine
{
    /// <summary>A library of the IKE daemon, in user space.</summary>
    UserSpace,

    /// <summary>The kernel.</summary>
    Kernel,
}
