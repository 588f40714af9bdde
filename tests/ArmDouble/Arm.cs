using System.Globalization;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace AzureIaaS.ArmDouble;

/// <summary>
/// Azure's resource manager, as far as machines need it: it keeps state, answers long-running operations as the recordings show
/// (lro-table.txt), and refuses what the documents and the recordings say is refused. What neither tells is a switch.
/// </summary>
public sealed partial class Arm(TimeProvider time, IBlobs blobs)
{
    private const string Home = "https://management.azure.com";

    private readonly object _gate = new();
    private readonly Dictionary<string, JsonObject> _resources = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, LongRunning> _operations = [];

    /// <summary>How often an operation is asked for before it is done.</summary>
    public int PollsUntilDone { get; set; } = 1;

    /// <summary>How often the making of a VPN gateway is asked for before it is done; it takes Azure long.</summary>
    public int PollsUntilGateway { get; set; } = 4;

    /// <summary>How it stands with the tunnels.</summary>
    public string ConnectionStatus { get; set; } = "Connecting";

    /// <summary>Whether access may be asked for again while an upload is open. Nobody knows of Azure.</summary>
    public bool GrantsAgain { get; set; } = true;

    /// <summary>What guests do with a script: exit code, output, error.</summary>
    public Func<string, (int ExitCode, string Output, string Error)> Guest { get; set; } = _ => (0, "", "");

    /// <summary>Whether an agent answers in guests that run.</summary>
    public bool HasAgent { get; set; }

    /// <summary>Types that bodies are checked against, by the provider and version: <c>Microsoft.Compute@2023-04-02</c>.</summary>
    public Dictionary<string, BicepTypes> Types { get; } = [];

    /// <summary>Schemas that bodies are checked against besides, by the same names.</summary>
    public Dictionary<string, JsonSchemas> Schemas { get; } = [];

    /// <summary>Answers in the double's place; null to let it answer.</summary>
    public Func<Request, Answer?> Intercept { get; set; } = _ => null;

    /// <summary>Changes an answer whose request has had its effect: the answer that gets lost.</summary>
    public Func<Request, Answer, Answer> Afterwards { get; set; } = (_, answer) => answer;

    /// <summary>What Retry-After says, instead of what was recorded; null for that.</summary>
    public string? RetryAfter { get; set; }

    /// <summary>Every request, in order: method and path.</summary>
    public List<(string Method, string Path)> Requests { get; } = [];

    /// <summary>What was wrong with bodies.</summary>
    public List<string> Problems { get; } = [];

    /// <summary>The resources there are, by id.</summary>
    public IReadOnlyDictionary<string, JsonObject> Resources => _resources;

    /// <summary>Puts a resource there as if somebody else had.</summary>
    public void Add(JsonObject resource)
    {
        lock (_gate)
            _resources[(string)resource["id"]!] = resource;
    }

    /// <summary>Answers a request.</summary>
    public async Task<Answer> HandleAsync(Request request)
    {
        lock (_gate)
            Requests.Add((request.Method, request.Path));
        return Intercept(request) ?? Afterwards(request, await AnswerAsync(request));
    }

    private async Task<Answer> AnswerAsync(Request request)
    {
        if (blobs is BlobDouble memory && memory.Handle(request, time.GetUtcNow()) is { } blob)
            return blob;
        if (request.Query("api-version") is null)
            return Answer.Error(400, "MissingApiVersionParameter", "The api-version query parameter (?api-version=) is required for all requests.");
        if (Operation().Match(request.Path) is { Success: true } operation)
            return Poll(operation.Groups[1].Value, request);
        if (Lists(request) is { } list)
            return list;
        if (Group().IsMatch(request.Path))
            return OnGroup(request);
        if (ZoneLink().Match(request.Path) is { Success: true } link)
            return OnZoneLink(link.Groups["zone"].Value, request);
        if (SecurityRule().Match(request.Path) is { Success: true } rule)
            return OnSecurityRule(rule.Groups["nsg"].Value, rule.Groups["name"].Value, request);
        if (RunCommand().Match(request.Path) is { Success: true } run)
            return OnRunCommand(run.Groups["vm"].Value, request);
        if (Resource().Match(request.Path) is not { Success: true } match)
            return Answer.Error(404, "InvalidResourceType", $"The resource type could not be found: {request.Path}.");
        if (!_resources.ContainsKey(match.Groups["group"].Value))
            return Answer.Error(404, "ResourceGroupNotFound", $"Resource group '{match.Groups["rg"].Value}' could not be found.");
        var (id, type, action) = (match.Groups["id"].Value, match.Groups["type"].Value, match.Groups["action"].Value);
        return (request.Method, action) switch
        {
            ("GET", "") => Get(id),
            ("GET", "sharedkey") => SharedKey(id),
            ("GET", "instanceView") => Find(id) is { } vm ? Answer.Of(200, View(vm)) : NotFound(id),
            ("PUT", "") => await PutAsync(id, type, request),
            ("PATCH", "") => Patch(id, type, request),
            ("DELETE", "") => Delete(id, type),
            ("POST", _) => await PostAsync(id, action, request),
            _ => Answer.Error(405, "MethodNotAllowed", $"{request.Method} {request.Path}"),
        };
    }

    private JsonObject? Find(string id) => _resources.GetValueOrDefault(id);

    private static Answer NotFound(string id) => Answer.Error(404, "ResourceNotFound", $"The Resource '{string.Join('/', id.Split('/')[^3..])}' was not found.");

    private Answer Get(string id)
    {
        lock (_gate)
            return Find(id) is { } found ? Answer.Of(200, Shown(found)) : NotFound(id);
    }

    private JsonNode Shown(JsonObject resource)
    {
        var copy = resource.DeepClone().AsObject();
        if ((string?)copy["type"] == "Microsoft.Network/virtualNetworks")
            ShowNetwork(copy);
        if ((string?)copy["type"] == Connections)
            ShowConnection(copy);
        if ((string?)copy["type"] == "Microsoft.Compute/virtualMachines")
            copy["properties"]!.AsObject()["instanceView"] = View(resource);
        if ((string?)copy["type"] == Snapshot && (int?)resource["properties"]!["completionPercent"] is < 100 and var percent)
            resource["properties"]!["completionPercent"] = percent + 20;   // it goes on while one looks
        copy.Remove("power");
        return copy;
    }

    private JsonObject View(JsonObject vm)
    {
        var view = new JsonObject
        {
            ["statuses"] = new JsonArray(
                new JsonObject { ["code"] = "ProvisioningState/succeeded", ["level"] = "Info", ["displayStatus"] = "Provisioning succeeded" },
                new JsonObject { ["code"] = "PowerState/" + (string?)vm["power"], ["level"] = "Info", ["displayStatus"] = "VM " + (string?)vm["power"] }),
        };
        if (HasAgent && (string?)vm["power"] == "running")
        {
            view["vmAgent"] = new JsonObject
            {
                ["vmAgentVersion"] = "2.9.1.1",
                ["statuses"] = new JsonArray(new JsonObject { ["code"] = "ProvisioningState/succeeded", ["level"] = "Info", ["displayStatus"] = "Ready", ["message"] = "Guest Agent is running" }),
            };
        }

        return view;
    }

    private Answer OnGroup(Request request)
    {
        lock (_gate)
        {
            var id = request.Path;
            if (request.Method == "GET")
                return Find(id) is { } group ? Answer.Of(200, group.DeepClone()) : Answer.Error(404, "ResourceGroupNotFound", $"Resource group '{id.Split('/')[^1]}' could not be found.");
            var body = Parse(request);
            body["id"] = id;
            body["name"] = id.Split('/')[^1];
            body["type"] = "Microsoft.Resources/resourceGroups";
            body["properties"] = new JsonObject { ["provisioningState"] = "Succeeded" };
            var status = _resources.ContainsKey(id) ? 200 : 201;
            _resources[id] = body;
            return Answer.Of(status, body.DeepClone());
        }
    }

    private Answer? Lists(Request request)
    {
        if (request.Method != "GET")
            return null;
        if (SubscriptionList().Match(request.Path) is { Success: true } whole)
        {
            return whole.Groups["what"].Value switch
            {
                "skus" => Answer.Of(200, new JsonObject { ["value"] = Sizes.Skus(request.Query("$filter")!.Split('\'')[1]) }),
                "virtualMachines" => ListOf("Microsoft.Compute/virtualMachines", whole.Groups["sub"].Value, r => new JsonObject
                {
                    ["id"] = r["id"]!.DeepClone(), ["name"] = r["name"]!.DeepClone(), ["type"] = r["type"]!.DeepClone(), ["location"] = r["location"]!.DeepClone(),
                    ["properties"] = new JsonObject { ["instanceView"] = View(r) },
                }),
                _ => Answer.Of(200, new JsonObject { ["value"] = Sizes.Usages() }),
            };
        }

        if (GroupList().Match(request.Path) is not { Success: true } match)
            return null;
        return match.Groups["type"].Value is { Length: > 0 } type
            ? ListOf(type, match.Groups["group"].Value, Shown)
            : ListOf(request.Query("$filter")!.Split('\'')[1], match.Groups["group"].Value, r =>
            {
                // The general list has no properties.
                var copy = r.DeepClone().AsObject();
                copy.Remove("properties");
                return copy;
            });
    }

    private Answer ListOf(string type, string under, Func<JsonObject, JsonNode> show)
    {
        lock (_gate)
        {
            var found = _resources.Where(r => r.Key.StartsWith(under, StringComparison.OrdinalIgnoreCase) && string.Equals((string?)r.Value["type"], type, StringComparison.OrdinalIgnoreCase));
            return Answer.Of(200, new JsonObject { ["value"] = new JsonArray([.. found.Select(r => show(r.Value))]) });
        }
    }

    private Answer Poll(string id, Request request)
    {
        lock (_gate)
        {
            if (!_operations.TryGetValue(id, out var operation))
                return Answer.Error(404, "OperationNotFound", "The operation is not known.");
            var isMonitor = request.Query("monitor") is not null;
            if (!isMonitor && operation.Left > 0)
            {
                if (--operation.Left == 0)
                    operation.Done();
                return Answer.Of(200, new JsonObject { ["startTime"] = Stamp(), ["status"] = "InProgress", ["name"] = id });
            }

            if (isMonitor)
                return operation.Left > 0 ? Answer.Of(202) : operation.Result is { } result ? Answer.Of(200, result.DeepClone()) : Answer.Of(operation.Error is null ? 204 : 200);
            var body = new JsonObject { ["startTime"] = Stamp(), ["endTime"] = Stamp(), ["status"] = operation.Error is null ? "Succeeded" : "Failed", ["name"] = id };
            if (operation.Error is { } error)
                body["error"] = error.DeepClone();
            if (operation.Result is { } output)
                body["properties"] = new JsonObject { ["output"] = output.DeepClone() };
            return Answer.Of(200, body);
        }
    }

    /// <summary>Begins an operation, and the headers that tell where to ask for it.</summary>
    private (string Name, string Value)[] Begin(string id, bool hasLocation, JsonNode? result = null, JsonObject? error = null, string retryAfter = "", (int Polls, Action Done)? slowly = null)
    {
        var operation = Guid.NewGuid().ToString();
        _operations[operation] = new LongRunning { Left = slowly?.Polls ?? PollsUntilDone, Result = result, Error = error, Done = slowly?.Done ?? (() => { }) };
        var address = id.Contains("/privateDnsZones/", StringComparison.OrdinalIgnoreCase)
            ? $"{Home}{string.Join('/', id.Split('/')[..5])}/providers/Microsoft.Network/privateDnsOperationStatuses/{operation}?api-version=2020-06-01"
            : $"{Home}{string.Join('/', id.Split('/')[..3])}/providers/{id.Split('/')[6]}/locations/westeurope/{(id.Contains("/disks/", StringComparison.OrdinalIgnoreCase) || id.Contains("/snapshots/", StringComparison.OrdinalIgnoreCase) ? "DiskOperations" : "operations")}/{operation}?api-version=2023-07-01";
        var headers = new List<(string, string)> { ("Azure-AsyncOperation", address) };
        if (hasLocation)
            headers.Add(("Location", address + "&monitor=true"));
        if ((RetryAfter ?? retryAfter) is { Length: > 0 } seconds)
            headers.Add(("Retry-After", seconds));
        return [.. headers];
    }

    private static JsonObject Parse(Request request) => request.Body.Length == 0 ? [] : JsonNode.Parse(request.Body)!.AsObject();

    private string Stamp() => time.GetUtcNow().ToString("O", CultureInfo.InvariantCulture);

    [GeneratedRegex("/(?:operations|DiskOperations|privateDnsOperationStatuses)/([0-9a-f-]{36})$")]
    private static partial Regex Operation();

    [GeneratedRegex("^(?<sub>/subscriptions/[^/]+)/providers/Microsoft.Compute/(?<what>skus|virtualMachines|locations/[^/]+/usages)$", RegexOptions.IgnoreCase)]
    private static partial Regex SubscriptionList();

    [GeneratedRegex("^(?<group>/subscriptions/[^/]+/resourceGroups/[^/]+)/(providers/(?<type>[^/]+/[^/]+)|resources)$", RegexOptions.IgnoreCase)]
    private static partial Regex GroupList();

    [GeneratedRegex("^/subscriptions/[^/]+/resourceGroups/[^/]+$", RegexOptions.IgnoreCase)]
    private static partial Regex Group();

    [GeneratedRegex("^(?<zone>/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.Network/privateDnsZones/[^/]+)/virtualNetworkLinks/[^/]+$", RegexOptions.IgnoreCase)]
    private static partial Regex ZoneLink();

    [GeneratedRegex("^(?<nsg>/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.Network/networkSecurityGroups/[^/]+)/securityRules/(?<name>[^/]+)$", RegexOptions.IgnoreCase)]
    private static partial Regex SecurityRule();

    [GeneratedRegex("^(?<vm>/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft.Compute/virtualMachines/[^/]+)/runCommands/[^/]+$", RegexOptions.IgnoreCase)]
    private static partial Regex RunCommand();

    [GeneratedRegex("^(?<id>(?<group>/subscriptions/[^/]+/resourceGroups/(?<rg>[^/]+))/providers/(?<type>[^/]+/[^/]+)/[^/]+)(/(?<action>[^/]+))?$", RegexOptions.IgnoreCase)]
    private static partial Regex Resource();

    private sealed class LongRunning
    {
        public int Left { get; set; }

        public JsonNode? Result { get; init; }

        public JsonObject? Error { get; init; }

        public Action Done { get; init; } = () => { };
    }
}
