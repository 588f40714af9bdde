using AzureIaaS.Local.Consoles;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Guests;
using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Machines;

/// <summary>Waits for what a machine does by itself: its guest's first sign of life, a line on its console, a state.</summary>
internal sealed class MachineWaiter(
    LocalServices services, Func<Guid, CancellationToken, Task<VirtualMachine?>> find)
{

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(1000);

    /// <summary>What has not come so soon is looked for more rarely: there may be many to wait for, and some say nothing ever.</summary>
    private static readonly TimeSpan SoonIs = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan LookLater = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan AskLater = TimeSpan.FromSeconds(5);

    public async Task<WaitResult> WaitAsync(Guid id, WaitOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var start = services.Time.GetTimestamp();
        var console = await ConsoleFollower.OpenAsync(services.Keeper, id, cancellation);
        using var frames = new FrameListener(console.Files, console.Adapters, options.For == WaitFor.SignOfLife && options.Pattern is null);
        TimeSpan? asked = null;
        while (true)
        {
            var elapsed = services.Time.GetElapsedTime(start);
            if (options.For is WaitFor.SignOfLife or WaitFor.Console && (console.Seen(options) ?? frames.Seen()) is { } heard)
                return await SeenAsync(id, options, heard);
            if (asked is null || elapsed - asked >= (elapsed < SoonIs ? AskEvery : AskLater))
            {
                asked = elapsed;
                if (await AskAsync(id, options, cancellation) is { } answer)
                    return answer;
            }

            if (elapsed >= options.Timeout)
                return await TimedOutAsync(id, options);
            notices.Report(Notice.Step($"Waiting for {console.Name}: {Describe(options)}", Math.Min(1, elapsed / options.Timeout)));
            await Task.Delay(elapsed < SoonIs ? LookEvery : LookLater, services.Time, cancellation);
        }
    }

    private static string Describe(WaitOptions options) => options.For switch
    {
        WaitFor.SignOfLife when options.Pattern is null => "a sign of life",
        WaitFor.Running => "running",
        WaitFor.Stopped => "stopped",
        WaitFor.Agent => "an answer of its guest agent",
        WaitFor.Port => $"its port {options.Port}",
        WaitFor.Ping => "an answer to a ping",
        WaitFor.Flattened => "disks of its own",
        _ => $"a line like '{options.Pattern}' on its console",
    };

    private async Task<WaitResult?> AskAsync(Guid id, WaitOptions options, CancellationToken cancellation)
    {
        var machine = await find(id, cancellation) ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", "The machine was removed while it was waited for.", "Get-IaaSVm shows those there are.", id);
        var isStopped = machine.State is MachineState.Deallocated or MachineState.Stopped or MachineState.Failed or MachineState.Suspended;
        switch (options.For)
        {
            case WaitFor.Running when machine.State == MachineState.Running:
                return new WaitResult(machine, true, "It is running.");
            case WaitFor.Stopped when isStopped:
                return new WaitResult(machine, true, "It no longer runs.");
            case WaitFor.Flattened when machine.Disks.All(d => d.Link is null):
                return new WaitResult(machine, true, "Its disks are its own.");
            case WaitFor.Stopped or WaitFor.Flattened:
                return null;
        }

        if (options.For == WaitFor.Agent && machine.State == MachineState.Running)
            return await AgentAnswersAsync(id, cancellation) ? new WaitResult(machine, true, "Its guest agent answers.") : null;
        if (options.For is WaitFor.Port or WaitFor.Ping && await ProbeAsync(machine, options, cancellation) is { } reached)
            return new WaitResult(machine, true, reached);
        if (options.For == WaitFor.SignOfLife && options.Pattern is null && machine is { State: MachineState.Running, BootVerified: true })
            return new WaitResult(machine, true, machine.BootEvidence ?? "");   // somebody else saw it
        if (isStopped)
            return new WaitResult(machine, false, $"{machine.Name} is {machine.State} and will not get there by itself. {machine.StateReason}".TrimEnd());
        if (options.For == WaitFor.SignOfLife && options.Pattern is null && machine.State == MachineState.Running)
        {
            var sign = services.Networks.SignOfLife(machine);
            using (var owned = await services.Keeper.OwnAsync(id, cancellation))
                sign ??= owned.Fact.Condition == ProcessCondition.Running ? await services.Hypervisor.SignOfLifeAsync(owned.Files, cancellation) : null;
            if (sign is not null)
                return await SeenAsync(id, options, sign);
        }

        return null;
    }

    private async Task<string?> ProbeAsync(VirtualMachine machine, WaitOptions options, CancellationToken cancellation)
    {
        var isPing = options.For == WaitFor.Ping;
        var result = await services.Networks.ProbeAsync(machine, isPing ? null : options.Port, cancellation);
        return result != ProbeResult.Answers ? null
            : isPing ? $"It answers a ping at {machine.IPAddress}." : $"It listens at {machine.IPAddress}:{options.Port.ToString(System.Globalization.CultureInfo.InvariantCulture)}.";
    }

    private async Task<bool> AgentAnswersAsync(Guid id, CancellationToken cancellation)
    {
        string socket;
        using (var owned = await services.Keeper.OwnAsync(id, cancellation))
            socket = owned.Files.AgentSocket;
        using var agent = await GuestAgent.ConnectAsync(socket, cancellation);
        return agent is not null;
    }

    /// <summary>A sign of life is written down: it is true of this run until it ends.</summary>
    private async Task<WaitResult> SeenAsync(Guid id, WaitOptions options, string evidence)
    {
        using var owned = await services.Keeper.OwnAsync(id, CancellationToken.None);
        if (options.For == WaitFor.SignOfLife && owned.Machine.State == MachineState.Running && !owned.Machine.BootVerified)
        {
            (owned.Machine.BootVerified, owned.Machine.BootEvidence) = (true, evidence);
            BootVerifier.Settle(owned, services, evidence);
        }

        return new WaitResult(owned.Machine, true, evidence);
    }

    private async Task<WaitResult> TimedOutAsync(Guid id, WaitOptions options)
    {
        using var owned = await services.Keeper.OwnAsync(id, CancellationToken.None);
        var lastLine = ConsoleFollower.LastLine(owned.Files.Console, owned.Notes.ConsoleStart);
        return new WaitResult(owned.Machine, false,
            $"{owned.Machine.Name}: {Describe(options)} was not seen within {options.Timeout.TotalSeconds:0} s. "
            + (lastLine is null ? "Its console has said nothing." : $"The last line on its console: {lastLine}"));
    }
}
