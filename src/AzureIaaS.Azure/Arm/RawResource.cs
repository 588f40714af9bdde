using System.Text.Json.Nodes;
using Azure;
using Azure.Core;
using Azure.ResourceManager;

namespace AzureIaaS.Azure.Arm;

/// <summary>What of a resource the packages have no words for, through the client's own pipeline: its credentials, its manners, its host pin.</summary>
internal sealed class RawResource : ArmResource
{
    private RawResource(ArmClient client, ResourceIdentifier id)
        : base(client, id)
    {
    }

    /// <summary>Asks for something that belongs to a resource.</summary>
    /// <param name="client">The client.</param>
    /// <param name="id">The resource.</param>
    /// <param name="part">What follows its id: <c>sharedkey</c>.</param>
    /// <param name="version">The version that is spoken.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="RequestFailedException">It was refused.</exception>
    public static async Task<JsonNode> GetAsync(ArmClient client, ResourceIdentifier id, string part, string version, CancellationToken cancellation)
    {
        var resource = new RawResource(client, id);
        using var message = resource.Pipeline.CreateMessage();
        message.Request.Method = RequestMethod.Get;
        message.Request.Uri.Reset(resource.Endpoint);
        message.Request.Uri.AppendPath($"{id}/{part}", escape: false);
        message.Request.Uri.AppendQuery("api-version", version);
        message.Request.Headers.Add("Accept", "application/json");
        await resource.Pipeline.SendAsync(message, cancellation);
        return message.Response.IsError ? throw new RequestFailedException(message.Response) : JsonNode.Parse(message.Response.Content.ToString()) ?? new JsonObject();
    }

    /// <summary>Makes a resource that has neither a region nor tags, which those the packages know have. It is not waited for.</summary>
    /// <param name="client">The client.</param>
    /// <param name="id">The resource.</param>
    /// <param name="version">The version that is spoken.</param>
    /// <param name="body">What it is to be.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <exception cref="RequestFailedException">It was refused.</exception>
    public static async Task PutAsync(ArmClient client, ResourceIdentifier id, string version, JsonObject body, CancellationToken cancellation)
    {
        var resource = new RawResource(client, id);
        using var message = resource.Pipeline.CreateMessage();
        message.Request.Method = RequestMethod.Put;
        message.Request.Uri.Reset(resource.Endpoint);
        message.Request.Uri.AppendPath($"{id}", escape: false);
        message.Request.Uri.AppendQuery("api-version", version);
        message.Request.Headers.Add("Accept", "application/json");
        message.Request.Headers.Add("Content-Type", "application/json");
        message.Request.Content = RequestContent.Create(BinaryData.FromString(body.ToJsonString()));
        await resource.Pipeline.SendAsync(message, cancellation);
        if (message.Response.IsError)
            throw new RequestFailedException(message.Response);
    }
}
