using System.Text.Json.Serialization;
using AzureIaaS.Local.Hypervisors;
using AzureIaaS.Sagas;

namespace AzureIaaS.Local.Machines;

/// <summary>A machine that is to be suspended.</summary>
/// <param name="MemoryFile">Where its memory goes.</param>
internal sealed record SuspendPlan(string MemoryFile);

/// <summary>Suspending: the memory is saved, that is noted, and only then the process is let go.</summary>
internal static class SuspendSaga
{
    public static MachineSaga<SuspendPlan> Definition { get; } = new(
        new("Suspend", 1,
        [
            SagaStep.OwningUndo<MachineWork<SuspendPlan>>("halt", GoOnAsync),
            new("halt guest", (w, c) => w.Services.Hypervisor.HaltAsync(w.Owned.Files, c)),
            new("save memory", (w, c) => w.Services.Hypervisor.SaveMemoryAsync(w.Owned.Files, w.Parameters.MemoryFile, c)),
            new("note", (w, _) => Note(w)),
            new("end", EndAsync),
        ])
        {
            IsPastUndo = w => w.Owned.Machine.State == MachineState.Suspended,
        },
        SuspendJson.Default.SuspendPlan,
        (_, position) => Task.FromResult(position >= 3));

    private static async Task GoOnAsync(MachineWork<SuspendPlan> work, CancellationToken cancellation)
    {
        File.Delete(work.Parameters.MemoryFile);
        var fact = await work.Services.Hypervisor.ObserveAsync(work.Owned.Files, work.Owned.Notes.Process, search: false, cancellation);
        if (fact.Condition is ProcessCondition.Paused or ProcessCondition.MovedAway)
            await work.Services.Hypervisor.ContinueAsync(work.Owned.Files, cancellation);
    }

    private static Task Note(MachineWork<SuspendPlan> work)
    {
        work.Owned.Change(MachineState.Suspended, null, work.Owned.Notes with { MemoryFile = work.Parameters.MemoryFile });
        return Task.CompletedTask;
    }

    private static async Task EndAsync(MachineWork<SuspendPlan> work, CancellationToken cancellation)
    {
        if (work.Owned.Notes.Process is { } process && !await work.Services.Hypervisor.EndAsync(work.Owned.Files, process))
        {
            throw new IaaSException(ErrorKind.Failed, "ProcessWillNotEnd", $"{work.Owned.Machine.Name}: its process {process.Id} was killed and does not go.",
                "It waits for the system, most often for a disk or share that does not answer; mend that, then try again.", work.Owned.Machine.Name);
        }

        work.Owned.Write(work.Owned.Notes with { Process = null });
    }
}

/// <summary>How the saga's parameters are written.</summary>
[JsonSerializable(typeof(SuspendPlan))]
internal sealed partial class SuspendJson : JsonSerializerContext;
