using System.Text;
using System.Text.Json.Nodes;

namespace AzureIaaS.ArmDouble;

/// <summary>What resources do when they are put, patched, acted upon and deleted.</summary>
public sealed partial class Arm
{
    private const long MiB = 1 << 20;
    private const string Disk = "Microsoft.Compute/disks";
    private const string Snapshot = "Microsoft.Compute/snapshots";
    private const string Machine = "Microsoft.Compute/virtualMachines";

    private async Task<Answer> PutAsync(string id, string type, Request request)
    {
        var body = Parse(request);
        CheckBody(type, request, body, isPatch: false);
        if (type.Equals(ZoneType, StringComparison.OrdinalIgnoreCase))
            CheckShape(request, body);
        var (isDisk, isSnapshot) = (type.Equals(Disk, StringComparison.OrdinalIgnoreCase), type.Equals(Snapshot, StringComparison.OrdinalIgnoreCase));
        var source = (string?)body["properties"]?["creationData"]?["sourceResourceId"];
        if ((isDisk || isSnapshot) && source is not null && !_resources.ContainsKey(id))
        {
            if (Find(source) is not { } found)
                return Answer.Error(404, "ResourceNotFound", $"The resource {source} is not found.");
            if ((string?)found["properties"]!["diskState"] is "ReadyToUpload" or "ActiveUpload")
                return Answer.Error(409, "OperationNotAllowed", "The source is being uploaded.");
            if (RefuseCopy(body, found) is { } refused)
                return refused;
            body["properties"]!["diskSizeBytes"] = found["properties"]!["diskSizeBytes"]!.DeepClone();
            await blobs.CopyAsync(BlobOf(source), BlobOf(id));
        }
        else if (isDisk && !_resources.ContainsKey(id))
        {
            var isEmpty = (string?)body["properties"]?["creationData"]?["createOption"] == "Empty";
            var size = isEmpty ? ((long)body["properties"]!["diskSizeGB"]! << 30) + 512 : (long?)body["properties"]?["creationData"]?["uploadSizeBytes"] ?? 0;
            if (size < (20 * MiB) + 512 || (size - 512) % MiB != 0)
                return Answer.Error(400, "InvalidParameter", "The value of parameter creationData.uploadSizeBytes is invalid.");
            await blobs.CreateAsync(BlobOf(id), size);
        }

        lock (_gate)
        {
            var isNew = !_resources.ContainsKey(id);
            if (!isNew && !string.Equals((string?)Find(id)!["location"], (string?)body["location"], StringComparison.OrdinalIgnoreCase))
                return Answer.Error(409, "InvalidResourceLocation", $"The resource '{id.Split('/')[^1]}' already exists in location '{Find(id)!["location"]}'.");
            if (type.Equals(Machine, StringComparison.OrdinalIgnoreCase) && PutMachine(id, body) is { } refused)
                return refused;
            body["id"] = id;
            body["name"] = id.Split('/')[^1];
            body["type"] = type;
            var properties = body["properties"]?.AsObject() ?? [];
            body["properties"] = properties;
            if (!isNew && (isDisk || isSnapshot))
                KeepOwn(Find(id)!, body);
            properties["provisioningState"] = "Succeeded";
            if (isNew && (isDisk || isSnapshot))
            {
                var isEmpty = (string?)properties["creationData"]!["createOption"] == "Empty";
                properties["diskState"] = source is null && !isEmpty ? "ReadyToUpload" : "Unattached";
                properties["uniqueId"] = Guid.NewGuid().ToString();
                properties["timeCreated"] = Stamp();
                if ((string?)properties["creationData"]!["createOption"] == "CopyStart")
                    properties["completionPercent"] = 0;
                if (source is null)
                    properties["diskSizeBytes"] = isEmpty ? (long)properties["diskSizeGB"]! << 30 : (long)properties["creationData"]!["uploadSizeBytes"]! - 512;
            }

            if (PutOfNetwork(id, type, properties, (string?)body["location"]) is { } refusal)
                return refusal;
            _resources[id] = body;
            if (type.Equals(Gateways, StringComparison.OrdinalIgnoreCase) && isNew)
                return Answer.Of(201, Shown(body), BeginGateway(id, properties));
            if (type.EndsWith("availabilitySets", StringComparison.OrdinalIgnoreCase))
                return Answer.Of(200, body.DeepClone());
            return isDisk || isSnapshot
                ? Answer.Of(202, Shown(body), Begin(id, hasLocation: true, Shown(body), retryAfter: "2"))
                : Answer.Of(isNew ? 201 : 200, Shown(body), Begin(id, hasLocation: false, retryAfter: "10"));
        }
    }

    /// <summary>What is put again stays what it is by itself: its state, its size, who has it.</summary>
    private static void KeepOwn(JsonObject former, JsonObject body)
    {
        foreach (var (key, value) in former["properties"]!.AsObject().Where(p => !body["properties"]!.AsObject().ContainsKey(p.Key)))
            body["properties"]![key] = value?.DeepClone();
        if (former["managedBy"] is { } owner)
            body["managedBy"] = owner.DeepClone();
    }

    /// <summary>Between regions, snapshots alone are copied, incremental ones, and it takes a while.</summary>
    private static Answer? RefuseCopy(JsonObject body, JsonObject source)
    {
        var isHere = string.Equals((string?)body["location"], (string?)source["location"], StringComparison.OrdinalIgnoreCase);
        if ((string?)body["properties"]!["creationData"]!["createOption"] != "CopyStart" && !isHere)
            return Answer.Error(400, "InvalidParameter", "The source is in another location.");
        if ((int?)source["properties"]!["completionPercent"] is < 100)
            return Answer.Error(409, "OperationNotAllowed", "The source is still being copied.");
        return (string?)body["properties"]!["creationData"]!["createOption"] == "CopyStart" && ((bool?)body["properties"]!["incremental"] != true || (bool?)source["properties"]!["incremental"] != true)
            ? Answer.Error(400, "InvalidParameter", "CopyStart is for incremental snapshots.") : null;
    }

    private Answer? PutMachine(string id, JsonObject body)
    {
        var storage = body["properties"]!["storageProfile"]!;
        var disks = new[] { storage["osDisk"]! }.Concat(storage["dataDisks"]?.AsArray().Select(d => d!) ?? []).Select(d => (string)d["managedDisk"]!["id"]!).ToList();
        foreach (var disk in disks)
        {
            if (Find(disk)?["properties"] is not JsonObject found)
                return Answer.Error(404, "NotFound", $"Disk {disk.Split('/')[^1]} is not found.");
            if ((string?)Find(disk)!["zones"]?[0] is { } zone && zone != (string?)body["zones"]?[0])
                return Answer.Error(400, "BadRequest", $"Disk {disk.Split('/')[^1]} is in zone {zone}, and the machine is not.");
            if (!string.Equals((string?)Find(disk)!["location"], (string?)body["location"], StringComparison.OrdinalIgnoreCase))
                return Answer.Error(400, "BadRequest", $"Disk {disk.Split('/')[^1]} is in another location than the machine.");
            if ((string?)found["diskState"] != "Unattached")
                return Answer.Error(409, "OperationNotAllowed", $"Disk {disk.Split('/')[^1]} is in state {found["diskState"]} and cannot be attached.");
        }

        foreach (var adapter in body["properties"]!["networkProfile"]!["networkInterfaces"]!.AsArray())
        {
            if (Find((string)adapter!["id"]!) is null)
                return Answer.Error(400, "InvalidResourceReference", "Resource referenced by the machine was not found.");
            if (!string.Equals((string?)Find((string)adapter["id"]!)!["location"], (string?)body["location"], StringComparison.OrdinalIgnoreCase))
                return Answer.Error(400, "InvalidResourceReference", "A network interface is in another location than the machine.");
        }

        var networks = body["properties"]!["networkProfile"]!["networkInterfaces"]!.AsArray().Select(n => NetworkOf(Find((string)n!["id"]!)!)).Distinct(StringComparer.OrdinalIgnoreCase).Count();
        if (networks > 1)
            return Answer.Error(400, "NetworkInterfacesNotInSameVirtualNetwork", "All network interfaces of a virtual machine must be in the same virtual network.");

        foreach (var disk in disks)
        {
            Find(disk)!["managedBy"] = id;
            Find(disk)!["properties"]!["diskState"] = "Attached";
        }

        body["power"] = "running";
        return null;
    }

    private Answer Patch(string id, string type, Request request)
    {
        lock (_gate)
        {
            if (Find(id) is not { } resource)
                return NotFound(id);
            var body = Parse(request);
            CheckBody(type, request, body, isPatch: true);
            if (body["tags"] is { } tags)
                resource["tags"] = tags.DeepClone();
            if (body["properties"]?["storageProfile"]?["dataDisks"] is JsonArray data && PatchDisks(id, resource, data) is { } refused)
                return refused;
            if (body["properties"]?["hardwareProfile"] is { } hardware)
                resource["properties"]!["hardwareProfile"] = hardware.DeepClone();
            return Answer.Of(type.Equals(Disk, StringComparison.OrdinalIgnoreCase) ? 202 : 200, Shown(resource), Begin(id, hasLocation: type.Equals(Disk, StringComparison.OrdinalIgnoreCase), Shown(resource)));
        }
    }

    /// <summary>A machine's data disks become those that the patch names.</summary>
    private Answer? PatchDisks(string id, JsonObject vm, JsonArray wanted)
    {
        var ids = wanted.Select(d => (string)d!["managedDisk"]!["id"]!).ToList();
        if (wanted.Select(d => (int)d!["lun"]!).Distinct().Count() != wanted.Count)
            return Answer.Error(400, "InvalidParameter", "Two data disks have the same LUN.");
        foreach (var disk in ids)
        {
            if (Find(disk) is not { } found)
                return Answer.Error(404, "NotFound", $"Disk {disk.Split('/')[^1]} is not found.");
            if (found["managedBy"] is { } owner && !string.Equals((string?)owner, id, StringComparison.OrdinalIgnoreCase))
                return Answer.Error(409, "ConflictingUserInput", $"Disk {disk.Split('/')[^1]} is attached to another machine.");
        }

        var storage = vm["properties"]!["storageProfile"]!;
        foreach (var former in (storage["dataDisks"]?.AsArray() ?? []).Select(d => Find((string)d!["managedDisk"]!["id"]!)).OfType<JsonObject>().Where(d => !ids.Contains((string)d["id"]!, StringComparer.OrdinalIgnoreCase)))
        {
            former.Remove("managedBy");
            former["properties"]!["diskState"] = "Unattached";
        }

        foreach (var disk in ids)
            (Find(disk)!["managedBy"], Find(disk)!["properties"]!["diskState"]) = (id, (string?)vm["power"] == "deallocated" ? "Reserved" : "Attached");
        storage["dataDisks"] = wanted.DeepClone();
        return null;
    }

    private Answer Delete(string id, string type)
    {
        lock (_gate)
        {
            if (Find(id) is not { } resource)
                return Answer.Of(204);
            if ((string?)resource["properties"]?["diskState"] is "ActiveUpload" or "ActiveSAS")
                return Answer.Error(409, "OperationNotAllowed", "There is an active shared access signature outstanding for the disk.");
            if (type.Equals(Disk, StringComparison.OrdinalIgnoreCase) && resource["managedBy"] is not null)
                return Answer.Error(409, "OperationNotAllowed", $"Disk {id.Split('/')[^1]} is attached to VM {resource["managedBy"]}.");
            if (InUse(id, type) is { } used)
                return used;

            _resources.Remove(id);
            foreach (var disk in _resources.Values.Where(r => string.Equals((string?)r["managedBy"], id, StringComparison.OrdinalIgnoreCase)))
            {
                disk.Remove("managedBy");
                disk["properties"]!["diskState"] = "Unattached";
            }

            return Answer.Of(202, null, Begin(id, hasLocation: true));
        }
    }

    private async Task<Answer> PostAsync(string id, string action, Request request)
    {
        if (Find(id) is not { } resource)
            return NotFound(id);
        switch (action.ToUpperInvariant())
        {
            case "BEGINGETACCESS":
                return BeginGetAccess(id, resource, Parse(request));
            case "ENDGETACCESS":
                return await EndGetAccessAsync(id, resource);
            case "REDEPLOY" when (string?)resource["power"] != "running":
                return Answer.Error(409, "OperationNotAllowed", "Operation 'redeploy' is not allowed on a VM that is not running.");
            case "START" or "RESTART" or "REDEPLOY":
                return Power(id, resource, "running");
            case "POWEROFF":
                return Power(id, resource, "stopped");
            case "DEALLOCATE":
                return Power(id, resource, "deallocated");
            case "RETRIEVEBOOTDIAGNOSTICSDATA":
                await blobs.CreateAsync("console", 1024);
                return Answer.Of(200, new JsonObject { ["serialConsoleLogBlobUri"] = blobs.Grant("console", time.GetUtcNow().AddHours(1), write: false).ToString() });
            default:
                return Answer.Error(404, "NotFound", action);
        }
    }

    private Answer Power(string id, JsonObject vm, string state)
    {
        lock (_gate)
        {
            vm["power"] = state;
            foreach (var disk in _resources.Values.Where(r => string.Equals((string?)r["managedBy"], id, StringComparison.OrdinalIgnoreCase)))
                disk["properties"]!["diskState"] = state == "deallocated" ? "Reserved" : "Attached";
            return Answer.Of(202, null, Begin(id, hasLocation: true, retryAfter: "10"));
        }
    }

    private Answer BeginGetAccess(string id, JsonObject disk, JsonObject body)
    {
        lock (_gate)
        {
            var properties = disk["properties"]!.AsObject();
            var write = (string?)body["access"] == "Write";
            var state = (string?)properties["diskState"];
            if (write && (state is not ("ReadyToUpload" or "ActiveUpload") || (state == "ActiveUpload" && !GrantsAgain)))
                return Answer.Error(409, "OperationNotAllowed", $"Write access is not allowed for a disk in state {state}.");
            if (!write && state is not ("Unattached" or "Reserved" or "ActiveSAS"))
                return Answer.Error(409, "OperationNotAllowed", $"Read access is not allowed for a disk in state {state}.");
            properties["diskState"] = write ? "ActiveUpload" : "ActiveSAS";
            var uri = blobs.Grant(BlobOf(id), time.GetUtcNow().AddSeconds((int)body["durationInSeconds"]!), write);
            return Answer.Of(202, null, Begin(id, hasLocation: true, new JsonObject { ["accessSAS"] = uri.ToString() }));
        }
    }

    private async Task<Answer> EndGetAccessAsync(string id, JsonObject disk)
    {
        var properties = disk["properties"]!.AsObject();
        blobs.Revoke(BlobOf(id));
        JsonObject? error = null;
        if ((string?)properties["diskState"] == "ActiveUpload")
        {
            var size = (long)properties["creationData"]!["uploadSizeBytes"]!;
            var footer = await blobs.ReadAsync(BlobOf(id), size - 512, 512);
            var isWhole = Encoding.ASCII.GetString(footer, 0, 8) == "conectix" && System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(footer.AsSpan(48)) == size - 512;
            if (!isWhole)
                error = new JsonObject { ["code"] = "InvalidVhd", ["message"] = "Disk is not a valid VHD: expected cookie 'conectix' at the end of the blob." };
        }

        properties["diskState"] = error is not null ? "ReadyToUpload" : disk["managedBy"] is null ? "Unattached" : "Reserved";
        lock (_gate)
            return Answer.Of(202, null, Begin(id, hasLocation: true, error: error));
    }

    private static string BlobOf(string id) => id.Split('/')[4].ToLowerInvariant() + "-" + id.Split('/')[^1].ToLowerInvariant();

    private void CheckBody(string type, Request request, JsonObject body, bool isPatch)
    {
        var version = request.Query("api-version")!;
        var provider = $"{type.Split('/')[0]}@{version}";
        lock (_gate)
        {
            if (Types.TryGetValue(provider, out var types))
                Problems.AddRange(types.Problems($"{type}@{version}", body, isPatch).Select(p => $"{request.Method} {type}: {p}"));
            if (Schemas.TryGetValue(provider, out var schemas))
                Problems.AddRange(schemas.Problems(type, version, body, isPatch).Select(p => $"{request.Method} {type} by its schema: {p}"));
        }
    }

    /// <summary>Of what no published types are at hand: the body has its region, its tags and exactly these properties, and nothing else.</summary>
    private void CheckShape(Request request, JsonObject body, params string[] properties)
    {
        var found = Leaves(body, "").Where(l => !l.StartsWith("tags.", StringComparison.Ordinal)).ToHashSet();
        string[] wanted = ["location", .. properties];
        lock (_gate)
        {
            Problems.AddRange(found.Except(wanted).Select(p => $"{request.Method} {request.Path}: '{p}' is not known."));
            Problems.AddRange(wanted.Except(found).Select(p => $"{request.Method} {request.Path}: '{p}' is missing."));
        }
    }

    private static IEnumerable<string> Leaves(JsonObject part, string path) =>
        part.SelectMany(p => p.Value is JsonObject inner ? Leaves(inner, $"{path}{p.Key}.") : [path + p.Key]);
}
