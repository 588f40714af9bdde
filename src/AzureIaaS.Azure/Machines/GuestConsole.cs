using System.Runtime.CompilerServices;
using Azure.Core;
using Azure.ResourceManager.Compute;
using AzureIaaS.Azure.Arm;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Machines;

/// <summary>What guests say: the serial console's log, by boot diagnostics, and what can be waited for.</summary>
/// <param name="connection">The way to Azure.</param>
/// <param name="directory">Which machines there are.</param>
internal sealed class GuestConsole(ArmConnection connection, MachineDirectory directory)
{
    /// <summary>Azure answers twelve such questions a minute for each machine.</summary>
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    private const long LargestLog = 64 << 20;

    /// <summary>The lines of a machine's log.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="tail">How many of the last lines; null for all.</param>
    /// <param name="follow">Whether to go on with new lines.</param>
    /// <param name="cancellation">Stops it.</param>
    public async IAsyncEnumerable<string> ReadAsync(Guid id, int? tail, bool follow, [EnumeratorCancellation] CancellationToken cancellation)
    {
        var machine = await NeededAsync(id, cancellation);
        var lines = await LinesAsync(machine, cancellation);
        var shown = Math.Max(0, lines.Count - (tail ?? lines.Count));
        while (true)
        {
            if (shown > lines.Count)
                shown = 0;   // a log that is shorter than it was has begun anew
            for (; shown < lines.Count; shown++)
                yield return lines[shown];
            if (!follow)
                yield break;
            await Task.Delay(Interval, connection.Time, cancellation);
            lines = await LinesAsync(machine, cancellation);
        }
    }

    /// <summary>Waits for a machine.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="options">What is waited for.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting.</param>
    public async Task<WaitResult> WaitAsync(Guid id, WaitOptions options, IProgress<Notice> notices, CancellationToken cancellation)
    {
        var end = connection.Time.GetUtcNow() + options.Timeout;
        while (true)
        {
            var found = await directory.FindAsync(id, cancellation)
                ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", $"There is no machine {id}.", "Get-IaaSVm shows those there are.", id);
            if (await SeenAsync(found, options, cancellation) is { } evidence)
                return new WaitResult(found.Machine, true, evidence);
            if (options.For != WaitFor.Stopped && found.Machine.State is MachineState.Deallocated or MachineState.Stopped or MachineState.Failed)
                return new WaitResult(found.Machine, false, $"{found.Machine.Name} is {found.Machine.State}, so what is waited for will not come.");
            if (connection.Time.GetUtcNow() >= end)
                return new WaitResult(found.Machine, false, $"{found.Machine.Name}: nothing was seen within {options.Timeout.TotalSeconds:0} seconds.");
            notices.Report(Notice.Step($"Waiting for {found.Machine.Name}"));
            await Task.Delay(Interval, connection.Time, cancellation);
        }
    }

    private async Task<string?> SeenAsync(FoundMachine found, WaitOptions options, CancellationToken cancellation)
    {
        var machine = found.Machine;
        switch (options.For)
        {
            case WaitFor.Port or WaitFor.Ping:
                throw new IaaSException(ErrorKind.NotSupported, "NotSupportedInAzure", $"{machine.Name}: this computer is not on the machine's network in Azure, so it cannot ask there.",
                    "Wait for its agent or a line of its console; or ask with Test-Connection where its address is reached.", machine.Name);
            case WaitFor.Flattened:
                return "Its disks are its own; in Azure they are from the beginning.";
            case WaitFor.Stopped:
                return machine.State.IsActive() ? null : $"{machine.Name} is {machine.State}.";
            case WaitFor.Running:
                return machine.State == MachineState.Running ? $"{machine.Name} is running." : null;
            case WaitFor.Agent:
                return machine.BootVerified ? machine.BootEvidence : null;
        }

        if (machine.State != MachineState.Running)
            return null;
        if (options is { For: WaitFor.SignOfLife, Pattern: null } && machine.BootVerified)
            return machine.BootEvidence;
        var lines = await LinesAsync(machine, cancellation);
        var line = options.Pattern is { } pattern ? lines.LastOrDefault(l => pattern.IsMatch(l)) : lines.LastOrDefault(l => !string.IsNullOrWhiteSpace(l));
        return line is null ? null : $"its console says: {line.Trim()}";
    }

    private async Task<VirtualMachine> NeededAsync(Guid id, CancellationToken cancellation)
    {
        var found = await directory.FindAsync(id, cancellation)
            ?? throw new IaaSException(ErrorKind.NotFound, "VmNotFound", $"There is no machine {id}.", "Get-IaaSVm shows those there are.", id);
        return found.Vm is not null ? found.Machine : throw new IaaSException(ErrorKind.InvalidState, "NeverStarted",
            $"{found.Machine.Name} has not been started yet, so its console has said nothing.", "Start-IaaSVm runs it.", found.Machine.Name);
    }

    private Task<IReadOnlyList<string>> LinesAsync(VirtualMachine machine, CancellationToken cancellation) => Operations.GuardAsync<IReadOnlyList<string>>(
        async () =>
        {
            var vm = connection.Client.GetVirtualMachineResource(connection.IdOf("Microsoft.Compute/virtualMachines", machine.Name));
            var data = (await vm.RetrieveBootDiagnosticsDataAsync(null, cancellation)).Value;
            return data.SerialConsoleLogBlobUri is { } uri ? await DownloadAsync(uri, cancellation) : [];
        },
        $"Reading the console of {machine.Name}", Quiet.Notices, cancellation);

    private async Task<IReadOnlyList<string>> DownloadAsync(Uri uri, CancellationToken cancellation)
    {
        using var request = connection.BlobPipeline.CreateRequest();
        request.Method = RequestMethod.Get;
        request.Uri.Reset(uri);
        using var response = await connection.BlobPipeline.SendRequestAsync(request, cancellation);
        if (response.Status == 404)
            return [];   // nothing has been said yet
        if (response.IsError)
            throw new IaaSException(ErrorKind.Failed, "ConsoleUnreadable", $"The console's log could not be read: the storage service answered {response.Status}.", "Try again in a minute.");
        var text = response.Content.ToMemory().Length <= LargestLog ? response.Content.ToString() : "";
        return text.ReplaceLineEndings("\n").TrimEnd('\n', '\0').Split('\n');
    }
}
