using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Guests;

/// <summary>The QEMU guest agent of a machine (QEMU docs/interop/qemu-ga-ref), which serves one client at a time.</summary>
internal sealed class GuestAgent : IDisposable
{
    private const int LongestAnswer = 64 << 20;
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(50);

    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly List<byte> _pending = [];

    private GuestAgent()
    {
    }

    /// <summary>Connects and makes sure that the agent hears: what was left of a former conversation is skipped.</summary>
    /// <param name="path">The channel's socket.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The agent; null when none answers.</returns>
    public static async Task<GuestAgent?> ConnectAsync(string path, CancellationToken cancellation)
    {
        var agent = new GuestAgent();
        try
        {
            await agent._socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
            var id = Random.Shared.Next(1, int.MaxValue);
            await agent.SendAsync("guest-sync", new JsonObject { ["id"] = id }, cancellation);
            var start = Stopwatch.StartNew();
            while (start.Elapsed < AnswerWithin)
            {
                var line = await agent.ReadLineAsync(AnswerWithin - start.Elapsed, cancellation);
                if (line is not null && Parse(line) is { } answer && answer.TryGetProperty("return", out var value) && value.ValueKind == JsonValueKind.Number && value.GetInt64() == id)
                    return agent;
            }
        }
        catch (Exception e) when (e is SocketException or TimeoutException)
        {
            // Nobody there, or nobody who answers.
        }
        catch
        {
            agent.Dispose();
            throw;
        }

        agent.Dispose();
        return null;
    }

    /// <summary>Runs a program in the guest and waits for its end.</summary>
    /// <param name="program">Its path in the guest.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task<VmCommandResult> RunAsync(string program, IReadOnlyList<string> arguments, TimeSpan timeout, CancellationToken cancellation)
    {
        var time = Stopwatch.StartNew();
        var started = await AskAsync("guest-exec", new JsonObject
        {
            ["path"] = program,
            ["arg"] = new JsonArray([.. arguments.Select(a => (JsonNode)a)]),
            ["capture-output"] = true,
        }, cancellation);
        var pid = started.GetProperty("pid").GetInt64();
        while (true)
        {
            var status = await AskAsync("guest-exec-status", new JsonObject { ["pid"] = pid }, cancellation);
            if (status.GetProperty("exited").GetBoolean())
            {
                return new VmCommandResult
                {
                    ExitCode = status.TryGetProperty("exitcode", out var code) ? code.GetInt32() : null,
                    Output = Text(status, "out-data"),
                    Error = Text(status, "err-data"),
                    Duration = time.Elapsed,
                };
            }

            if (time.Elapsed > timeout)
                return new VmCommandResult { TimedOut = true, Duration = time.Elapsed };
            await Task.Delay(AskEvery, cancellation);
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task<JsonElement> AskAsync(string command, JsonObject arguments, CancellationToken cancellation)
    {
        await SendAsync(command, arguments, cancellation);
        var line = await ReadLineAsync(TimeSpan.FromSeconds(30), cancellation);
        if (line is not null && Parse(line) is { } answer)
        {
            if (answer.TryGetProperty("return", out var value))
                return value;
            if (answer.TryGetProperty("error", out var error))
            {
                throw new IaaSException(ErrorKind.Failed, "AgentRefused", $"The guest agent refused '{command}': {(error.TryGetProperty("desc", out var d) ? d.GetString() : error.ToString())}",
                    "Check the program's path in the guest, and which commands the agent's configuration allows there.");
            }
        }

        throw new IaaSException(ErrorKind.Failed, "AgentMalformed", $"The guest agent's answer to '{command}' makes no sense.", "Restart the agent in the guest.");
    }

    private async Task SendAsync(string command, JsonObject arguments, CancellationToken cancellation)
    {
        var message = new JsonObject { ["execute"] = command, ["arguments"] = arguments };
        ReadOnlyMemory<byte> bytes = Encoding.UTF8.GetBytes(message.ToJsonString() + "\n");
        while (!bytes.IsEmpty)
            bytes = bytes[await _socket.SendAsync(bytes, cancellation)..];
    }

    private async Task<byte[]?> ReadLineAsync(TimeSpan timeout, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        var buffer = new byte[64 << 10];
        try
        {
            while (true)
            {
                var end = _pending.IndexOf((byte)'\n');
                if (end >= 0)
                {
                    var line = _pending.GetRange(0, end).ToArray();
                    _pending.RemoveRange(0, end + 1);
                    return line;
                }

                var count = await _socket.ReceiveAsync(buffer.AsMemory(), limit.Token);
                if (count == 0)
                    return null;
                if (_pending.Count + count > LongestAnswer)
                    throw new IaaSException(ErrorKind.Failed, "AgentMalformed", "The guest agent's answer is far too long.", "Let the command write to a file in the guest instead.");
                _pending.AddRange(buffer.AsSpan(0, count));
            }
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new TimeoutException("The guest agent does not answer.");
        }
    }

    private static JsonElement? Parse(byte[] line)
    {
        try
        {
            var reader = new Utf8JsonReader(line.AsSpan().TrimStart((byte)0xFF));
            var value = JsonElement.ParseValue(ref reader);
            return value.ValueKind == JsonValueKind.Object ? value : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Text(JsonElement status, string name) =>
        status.TryGetProperty(name, out var value) ? Encoding.UTF8.GetString(Convert.FromBase64String(value.GetString()!)) : "";
}

/// <summary>What guests show and do.</summary>
internal sealed class GuestProvider(LocalServices services) : IGuestProvider
{
    public async Task<byte[]> ScreenshotAsync(Guid id, CancellationToken cancellation)
    {
        using var owned = await services.Keeper.OwnAsync(id, cancellation);
        CheckRuns(owned.Machine);
        return await services.Hypervisor.ScreenshotAsync(owned.Files, cancellation);
    }

    public async Task<VmCommandResult> RunCommandAsync(Guid id, string program, IReadOnlyList<string> arguments, TimeSpan timeout, CancellationToken cancellation)
    {
        VirtualMachine machine;
        MachineFiles files;
        using (var owned = await services.Keeper.OwnAsync(id, cancellation))
        {
            CheckRuns(owned.Machine);
            (machine, files) = (owned.Machine, owned.Files);
        }

        // The machine is not owned while the command runs: it may take long, and the machine may be stopped meanwhile.
        using var channel = await services.Store.Locks.AcquireAsync($"agent-{id:N}", timeout, cancellation)
            ?? throw new IaaSException(ErrorKind.Busy, "AgentBusy", $"Another command is being run in {machine.Name}.", "Wait for that to end.", machine.Name);
        using var agent = await GuestAgent.ConnectAsync(files.AgentSocket, cancellation)
            ?? throw new IaaSException(ErrorKind.NotInstalled, "NoGuestAgent", $"No guest agent answers in {machine.Name}.",
                "Install qemu-guest-agent in the guest and see that its service runs.", machine.Name);
        VmCommandResult result;
        try
        {
            result = await agent.RunAsync(program, arguments, timeout, cancellation);
        }
        catch (Exception e) when (e is TimeoutException or SocketException)
        {
            throw new IaaSException(ErrorKind.Failed, "AgentLost", $"The guest agent of {machine.Name} stopped answering.", "Look at the machine; it may have been restarted.", machine.Name, e);
        }

        (result.VmId, result.VmName) = (machine.Id, machine.Name);
        return result;
    }

    private static void CheckRuns(VirtualMachine machine)
    {
        if (machine.State != MachineState.Running)
        {
            throw new IaaSException(ErrorKind.InvalidState, "VmStateForbids", $"{machine.Name} is {machine.State}, not running.",
                "Start-IaaSVm first.", machine.Name);
        }
    }
}
