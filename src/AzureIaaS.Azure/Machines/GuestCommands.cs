using System.Text;
using Azure;
using Azure.ResourceManager.Compute;
using Azure.ResourceManager.Compute.Models;
using AzureIaaS.Azure.Arm;

namespace AzureIaaS.Azure.Machines;

/// <summary>
/// Commands in guests, by managed run commands: a resource that says what is to be run, whose instance view says how it went, and that is removed afterwards. The
/// guest's agent runs it; Azure keeps the last 4 KiB of what it writes.
/// </summary>
/// <param name="connection">The way to Azure.</param>
/// <param name="machines">The machines.</param>
internal sealed class GuestCommands(ArmConnection connection, MachineRunner machines)
{
    /// <summary>How much of a command's output Azure keeps, in bytes.</summary>
    private const int MostOutput = 4096;

    private static readonly TimeSpan LongestRun = TimeSpan.FromMinutes(90);

    private readonly Operations _operations = new(connection);

    /// <summary>Runs a program in a guest.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="program">Its path in the guest.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="timeout">How long it may take.</param>
    /// <param name="cancellation">Stops waiting, and the program.</param>
    public async Task<VmCommandResult> RunAsync(Guid id, string program, IReadOnlyList<string> arguments, TimeSpan timeout, CancellationToken cancellation)
    {
        var found = await machines.NeededAsync(id, cancellation);
        Check(found, timeout);
        var name = $"azureiaas-{Guid.NewGuid():N}"[..24];
        var commands = connection.Client.GetVirtualMachineResource(found.Vm!.Id).GetVirtualMachineRunCommands();
        var data = new VirtualMachineRunCommandData(found.Vm.Location)
        {
            Source = new VirtualMachineRunCommandScriptSource { Script = ScriptFor(found.Machine.OSType, program, arguments) },
            AsyncExecution = true,   // its progress is asked for, so that whoever waits can stop waiting
            TimeoutInSeconds = Math.Max(1, (int)timeout.TotalSeconds),
        };
        try
        {
            await _operations.ResultAsync<VirtualMachineRunCommandResource>(
                async () => await commands.CreateOrUpdateAsync(WaitUntil.Started, name, data, cancellation), $"Running {program} in {found.Machine.Name}", Quiet.Notices, cancellation);
            return ResultOf(found.Machine, await WaitAsync(commands, name, found.Machine, cancellation));
        }
        finally
        {
            await RemoveAsync(commands, name);
        }
    }

    /// <summary>What the guest's shell is given: the program and its arguments, whatever is in them.</summary>
    /// <param name="system">The guest's operating system.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">Its arguments.</param>
    public static string ScriptFor(GuestOSType system, string program, IReadOnlyList<string> arguments)
    {
        if (system != GuestOSType.Windows)
            return $"exec {string.Join(' ', arguments.Prepend(program).Select(a => $"'{a.Replace("'", "'\\''", StringComparison.Ordinal)}'"))}\n";
        // Windows PowerShell loses quotes in what it hands to programs; a process that is started by its command line does not.
        var line = string.Join(' ', arguments.Select(QuoteForWindows));
        return string.Join("\r\n",
            "$start = New-Object System.Diagnostics.ProcessStartInfo",
            $"$start.FileName = '{Literal(program)}'",
            $"$start.Arguments = '{Literal(line)}'",
            "$start.UseShellExecute = $false",
            "$process = [System.Diagnostics.Process]::Start($start)",
            "$process.WaitForExit()",
            "exit $process.ExitCode",
            "");
    }

    private static string Literal(string text) => text.Replace("'", "''", StringComparison.Ordinal);

    /// <summary>By the rules of CommandLineToArgvW: backslashes count before a quote only.</summary>
    private static string QuoteForWindows(string argument)
    {
        if (argument.Length > 0 && !argument.AsSpan().ContainsAny(" \t\n\v\""))
            return argument;
        var quoted = new StringBuilder("\"");
        var backslashes = 0;
        foreach (var c in argument)
        {
            if (c == '"')
                quoted.Append('\\', backslashes + 1);
            backslashes = c == '\\' ? backslashes + 1 : 0;
            quoted.Append(c);
        }

        return quoted.Append('\\', backslashes).Append('"').ToString();
    }

    private static void Check(FoundMachine found, TimeSpan timeout)
    {
        if (found.Machine.State != MachineState.Running || found.Vm is null)
            throw new IaaSException(ErrorKind.InvalidState, "VmIs" + found.Machine.State, $"{found.Machine.Name} does not run, so nothing runs in it.", "Start it with Start-IaaSVm -Wait.", found.Machine.Name);
        if (!found.Machine.BootVerified)
        {
            throw new IaaSException(ErrorKind.NotInstalled, "NoGuestAgent", $"No guest agent answers in {found.Machine.Name}.",
                "Install Azure's agent in the guest (waagent on Linux, the VM Agent on Windows) and wait for it with Wait-IaaSVm -For Agent.", found.Machine.Name);
        }

        if (timeout > LongestRun)
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidTimeout", $"Azure lets a command run for {LongestRun.TotalMinutes:0} minutes at most.", "Give a shorter -Timeout.", timeout);
    }

    private async Task<VirtualMachineRunCommandInstanceView> WaitAsync(VirtualMachineRunCommandCollection commands, string name, VirtualMachine machine, CancellationToken cancellation)
    {
        while (true)
        {
            var view = (await Operations.FindAsync(() => commands.GetAsync(name, "instanceView", cancellation), $"Asking how a command went in {machine.Name}", cancellation))?.Data.InstanceView;
            if (view?.ExecutionState is { } state && state != ExecutionState.Running && state != ExecutionState.Pending && state != ExecutionState.Unknown)
                return view;
            await Task.Delay(connection.ShortestWait, connection.Time, cancellation);
        }
    }

    private static VmCommandResult ResultOf(VirtualMachine machine, VirtualMachineRunCommandInstanceView view)
    {
        var timedOut = view.ExecutionState == ExecutionState.TimedOut;
        return new VmCommandResult
        {
            VmName = machine.Name,
            VmId = machine.Id,
            ExitCode = timedOut ? null : view.ExitCode,
            Output = Whole(view.Output),
            Error = Whole(view.Error is { Length: > 0 } error || view.ExecutionState != ExecutionState.Failed ? view.Error : view.ExecutionMessage),
            Duration = view is { StartOn: { } start, EndOn: { } end } && end > start ? end - start : TimeSpan.Zero,
            TimedOut = timedOut,
        };
    }

    /// <summary>Says so where Azure may have kept the end alone.</summary>
    private static string Whole(string? text) => text is null ? ""
        : Encoding.UTF8.GetByteCount(text) >= MostOutput ? $"[Azure keeps the last {MostOutput} bytes; what came before is lost]\n{text}" : text;

    private async Task RemoveAsync(VirtualMachineRunCommandCollection commands, string name)
    {
        if (await Operations.FindAsync(() => commands.GetAsync(name, null, CancellationToken.None), $"Looking for {name}", CancellationToken.None) is { } left)
            await _operations.RunAsync(async () => await left.DeleteAsync(WaitUntil.Started, CancellationToken.None), $"Removing {name}", Quiet.Notices, CancellationToken.None);
    }
}
