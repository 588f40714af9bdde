using System.Text.Json.Nodes;

namespace AzureIaaS.ArmDouble;

/// <summary>Commands in guests: a resource of the machine's, whose instance view tells how it went.</summary>
public sealed partial class Arm
{
    private const string RunCommandType = Machine + "/runCommands";

    private Answer OnRunCommand(string vm, Request request)
    {
        var body = Parse(request);
        if (request.Method == "PUT")
            CheckBody(RunCommandType, request, body, isPatch: false);
        lock (_gate)
        {
            if (Find(vm) is not { } machine)
                return NotFound(vm);
            if (request.Method == "GET")
                return Find(request.Path) is { } found ? Answer.Of(200, ShownRun(found, request.Query("$expand"))) : NotFound(request.Path);
            if (request.Method == "DELETE")
                return _resources.Remove(request.Path) ? Answer.Of(202, null, Begin(vm, hasLocation: true)) : Answer.Of(204);
            if ((string?)machine["power"] != "running" || !HasAgent)
                return Answer.Error(409, "OperationNotAllowed", "The machine does not run, or its agent does not answer.");
            (body["id"], body["name"], body["type"], body["looks"]) = (request.Path, request.Path.Split('/')[^1], RunCommandType, 0);
            body["properties"]!["provisioningState"] = "Succeeded";
            _resources[request.Path] = body;
            return Answer.Of(201, ShownRun(body, null), Begin(vm, hasLocation: false));
        }
    }

    private JsonObject ShownRun(JsonObject run, string? expand)
    {
        var copy = run.DeepClone().AsObject();
        copy.Remove("looks");
        if (expand != "instanceView")
            return copy;
        var looks = (int)run["looks"]!;
        run["looks"] = looks + 1;
        var view = new JsonObject { ["executionState"] = "Running", ["output"] = "", ["error"] = "", ["exitCode"] = 0, ["startTime"] = Stamp() };
        if (looks > 0)
        {
            var (code, output, error) = Guest((string)run["properties"]!["source"]!["script"]!);
            (view["executionState"], view["exitCode"], view["output"], view["error"]) = (code == 0 ? "Succeeded" : code < 0 ? "TimedOut" : "Failed", code, output, error);
            view["endTime"] = (time.GetUtcNow() + TimeSpan.FromSeconds(3)).ToString("O", System.Globalization.CultureInfo.InvariantCulture);
        }

        copy["properties"]!["instanceView"] = view;
        return copy;
    }
}
