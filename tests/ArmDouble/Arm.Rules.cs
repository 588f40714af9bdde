using System.Text.Json.Nodes;

namespace AzureIaaS.ArmDouble;

/// <summary>What the rules of security groups do, each a resource of its own within its group.</summary>
public sealed partial class Arm
{
    private const string RuleType = "Microsoft.Network/networkSecurityGroups/securityRules";
    private const int LeastPriority = 100;
    private const int MostPriority = 4096;

    private Answer OnSecurityRule(string group, string name, Request request)
    {
        lock (_gate)
        {
            if (Find(group) is not { } found)
                return NotFound(group);
            var properties = found["properties"]!.AsObject();
            var rules = properties["securityRules"] as JsonArray ?? [];
            properties["securityRules"] = rules;
            var there = rules.FirstOrDefault(r => string.Equals((string?)r!["name"], name, StringComparison.OrdinalIgnoreCase));
            switch (request.Method)
            {
                case "GET":
                    return there is null ? NotFound(request.Path) : Answer.Of(200, Looked(there.AsObject()));
                case "DELETE":
                    return there is null || !rules.Remove(there) ? Answer.Of(204) : Answer.Of(202, null, Begin(group, hasLocation: true));
                case "PUT":
                    var body = Parse(request);
                    CheckBody(RuleType, request, body, isPatch: false);
                    if (RefuseRule(body["properties"]!.AsObject(), rules.Where(r => r != there)) is { } refused)
                        return refused;
                    (body["id"], body["name"], body["type"]) = (request.Path, name, RuleType);
                    body["properties"]!["provisioningState"] = "Updating";
                    if (there is not null)
                        rules.Remove(there);
                    rules.Add((JsonNode)body);
                    return Answer.Of(there is null ? 201 : 200, body.DeepClone(), Begin(group, hasLocation: false, retryAfter: "10"));
                default:
                    return Answer.Error(405, "MethodNotAllowed", $"{request.Method} {request.Path}");
            }
        }
    }

    private static JsonNode Looked(JsonObject rule)
    {
        var copy = rule.DeepClone();
        rule["properties"]!["provisioningState"] = "Succeeded";   // it goes on while one looks
        return copy;
    }

    private static Answer? RefuseRule(JsonObject rule, IEnumerable<JsonNode?> others)
    {
        if ((int?)rule["priority"] is not (>= LeastPriority and <= MostPriority) || rule["sourcePortRange"] is null == rule["sourcePortRanges"] is null)
            return Answer.Error(400, "SecurityRuleInvalidParameter", "The rule has no valid priority, or not one way to say the ports that others send from.");
        if (rule["sourceAddressPrefix"] is null == rule["sourceAddressPrefixes"] is null || rule["destinationAddressPrefix"] is null || rule["destinationPortRanges"]?.AsArray().Count is null or 0)
            return Answer.Error(400, "SecurityRuleInvalidParameter", "The rule does not say from where and to where in one way.");
        return others.Any(o => (int?)o!["properties"]!["priority"] == (int?)rule["priority"] && (string?)o["properties"]!["direction"] == (string?)rule["direction"])
            ? Answer.Error(400, "SecurityRuleConflict", $"Security rules have the same priority {rule["priority"]} and direction.") : null;
    }
}
