using System.Text.Json.Serialization;
using AzureIaaS.Hosts;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Sagas;

namespace AzureIaaS.Local.Machines;

/// <summary>A running machine that is to go to another host.</summary>
/// <param name="From">The host it leaves.</param>
/// <param name="To">The host it goes to; null to let placement choose.</param>
/// <param name="Slot">Which of its sets of sockets the process has that it leaves.</param>
/// <param name="LimitSeconds">How long the migration may take, in seconds.</param>
internal sealed record MovePlan(string? From, string? To, int Slot, double LimitSeconds);

/// <summary>
/// Live migration. Two processes exist for a moment, and one of them runs the guest: the first until its memory is over, the second from then on.
/// Cut off, it is finished when the second runs, and undone when it does not, and so it is when a step fails; a first process whose guest has gone on is never let go on itself.
/// </summary>
internal static class MoveSaga
{
    public static MachineSaga<MovePlan> Definition { get; } = new(
        new("Move", 1,
        [
            SagaStep.OwningUndo<MachineWork<MovePlan>>("place", GiveBackAsync),
            new("take place", TakePlaceAsync),
            SagaStep.OwningUndo<MachineWork<MovePlan>>("target", EndTargetAsync),
            new("launch target", LaunchAsync),
            new("migrate", MigrateAsync),
            new("switch", SwitchAsync),
            new("release source", ReleaseAsync),
        ])
        {
            IsPastUndo = HasSwitched,
        },
        MoveJson.Default.MovePlan,
        async (work, _) => await TargetAsync(work) is ProcessCondition.Running or ProcessCondition.Paused or ProcessCondition.DiskFull || HasSwitched(work));

    private static bool HasSwitched(MachineWork<MovePlan> work) => work.Owned.Notes.Slot != work.Parameters.Slot;

    private static MachineFiles Source(MachineWork<MovePlan> work) => work.Services.Layout.Machine(work.Owned.Machine.Id, work.Parameters.Slot);

    private static MachineFiles Target(MachineWork<MovePlan> work) => work.Services.Layout.Machine(work.Owned.Machine.Id, 1 - work.Parameters.Slot);

    private static async Task<ProcessCondition> TargetAsync(MachineWork<MovePlan> work) =>
        (await work.Services.Hypervisor.ObserveAsync(Target(work), null, search: true, CancellationToken.None)).Condition;

    private static async Task TakePlaceAsync(MachineWork<MovePlan> work, CancellationToken cancellation)
    {
        var owned = work.Owned;
        var need = PlacementNeed.Of(owned.Machine) with { Avoid = work.Parameters.From, Only = work.Parameters.To };
        await work.Services.Places.ClaimAsync(owned, need with { Overcommit = false },
            () => owned.Change(MachineState.Moving, $"It moves from {work.Parameters.From} to {owned.Machine.Host}.", owned.Notes), cancellation);
    }

    /// <summary>The guest goes on where it was; where it cannot, because it had gone on elsewhere and that is lost, it is brought back from its disk.</summary>
    private static async Task GiveBackAsync(MachineWork<MovePlan> work, CancellationToken cancellation)
    {
        if (HasSwitched(work))
            return;
        var (owned, files) = (work.Owned, Source(work));
        owned.Machine.Host = work.Parameters.From;
        var fact = await work.Services.Hypervisor.ObserveAsync(files, owned.Notes.Process, search: false, cancellation);
        if (fact.Condition == ProcessCondition.Running)
        {
            owned.Change(MachineState.Running, null, owned.Notes);
            return;
        }

        if (fact.Process is { } process)
            await work.Services.Hypervisor.EndAsync(files, process);
        var heal = new HealNote("It was lost on its way to another host.", work.Services.Time.GetUtcNow(), work.Parameters.From, HostLost: false, owned.Machine.BootVerified);
        owned.Change(MachineState.Healing, heal.Reason, owned.Notes with { Process = null, Heal = heal });
    }

    private static async Task LaunchAsync(MachineWork<MovePlan> work, CancellationToken cancellation)
    {
        if (await TargetAsync(work) != ProcessCondition.None)
            return;
        var request = LaunchRequest.Of(work.Owned.Machine, Target(work), work.Owned.Notes, incoming: true);
        await work.Services.Links.RequireAsync(work.Owned.Machine, request.Chains.SelectMany(c => c), work.Notices, cancellation);
        await work.Services.Hypervisor.LaunchAsync(request, work.Notices, cancellation);
    }

    private static async Task EndTargetAsync(MachineWork<MovePlan> work, CancellationToken cancellation)
    {
        var fact = await work.Services.Hypervisor.ObserveAsync(Target(work), null, search: true, cancellation);
        if (fact.Condition == ProcessCondition.Running || HasSwitched(work))
        {
            // The guest has gone over; to undo that would be to kill it.
            await SwitchAsync(work, cancellation);
            await ReleaseAsync(work, cancellation);
            return;
        }

        if (fact.Process is { } process && !await work.Services.Hypervisor.KillAsync(Target(work), process))
        {
            throw new IaaSException(ErrorKind.Failed, "ProcessWillNotEnd", $"{work.Owned.Machine.Name}: the process {process.Id} it was to move to was killed and does not go.",
                "It waits for the system, most often for a disk or share that does not answer; mend that, then try again.", work.Owned.Machine.Name);
        }
    }

    private static async Task MigrateAsync(MachineWork<MovePlan> work, CancellationToken cancellation)
    {
        if (await TargetAsync(work) == ProcessCondition.Running)
            return;   // it has, and whoever did it died before writing that down
        work.Owned.LastMigration = await work.Services.Hypervisor.MigrateAsync(
            Source(work), Target(work), TimeSpan.FromSeconds(work.Parameters.LimitSeconds), work.Notices, cancellation);
    }

    private static async Task SwitchAsync(MachineWork<MovePlan> work, CancellationToken cancellation)
    {
        var owned = work.Owned;
        if (HasSwitched(work))
            return;
        var fact = await work.Services.Hypervisor.ObserveAsync(Target(work), null, search: true, CancellationToken.None);
        owned.Change(MachineState.Running, null, owned.Notes with { Slot = 1 - work.Parameters.Slot, MovingFromProcess = owned.Notes.Process, Process = fact.Process });
    }

    private static async Task ReleaseAsync(MachineWork<MovePlan> work, CancellationToken cancellation)
    {
        if (work.Owned.Notes.MovingFromProcess is { } old && work.Services.Hypervisor.IsAlive(Source(work), old))
            await work.Services.Hypervisor.EndAsync(Source(work), old);
        work.Owned.Write(work.Owned.Notes with { MovingFromProcess = null });
    }
}

/// <summary>How the saga's parameters are written.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MovePlan))]
internal sealed partial class MoveJson : JsonSerializerContext;
