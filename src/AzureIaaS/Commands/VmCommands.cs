using System.Management.Automation;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Get-IaaSVm: lists machines with their true states.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSVm")]
[OutputType(typeof(VirtualMachine))]
public sealed class GetVmCommand : IaaSCmdlet
{
    /// <summary>The machines: names with wildcards, ids, machines; all when left out.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [Alias("Name", "VMName", "InputObject")]
    [ValidateNotNullOrEmpty]   // a variable that is empty by mistake must not mean every machine
    [VmReferences]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(VmCompleter))]
    public VmReference[]? Vm { get; set; }

    /// <summary>The context to look in, instead of the current one; with wildcards, several.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(ContextCompleter))]
    public override string? Context { get; set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var reference in Vm ?? [new VmReference("*")])
        {
            Try(reference.Reference, () =>
            {
                if (Context is { } pattern && WildcardPattern.ContainsWildcardCharacters(pattern))
                    FindIn(CurrentContext.Matching(pattern), reference.Reference);
                else
                    WriteMachines(Session(reference.Context), reference.Reference);
            });
        }
    }

    /// <summary>Looks in several contexts; a name that one of them has is found, and what is wrong with one does not hide the others.</summary>
    private void FindIn(IReadOnlyList<IaaSContext> contexts, string reference)
    {
        var missing = 0;
        foreach (var context in contexts)
        {
            Try(context.Name, () =>
            {
                try
                {
                    WriteMachines(SessionOf(context), reference);
                }
                catch (IaaSException e) when (e.ErrorId == "VmNotFound")
                {
                    missing++;
                }
            });
        }

        if (missing == contexts.Count)
        {
            throw new IaaSException(ErrorKind.NotFound, "VmNotFound", $"There is no machine '{reference}' in any context that matches '{Context}'.",
                "Get-IaaSVm -Context * shows all machines there are, Get-IaaSContext the contexts.", reference);
        }
    }

    private void WriteMachines(IaaSSession session, string reference) =>
        WriteObject(Await(c => session.ResolveAsync(reference, c)), enumerateCollection: true);
}

/// <summary>Start-IaaSVm: runs machines.</summary>
[Cmdlet(VerbsLifecycle.Start, "IaaSVm", SupportsShouldProcess = true)]
[OutputType(typeof(VirtualMachine))]
public sealed class StartVmCommand : VmActionCmdlet
{
    /// <summary>Wait for the guest's first own sign of life.</summary>
    [Parameter]
    public SwitchParameter Wait { get; set; }

    /// <summary>With -Wait: wait for a line on the console that matches this regular expression.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Pattern { get; set; }

    /// <summary>With -Wait: how long to wait, in seconds.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue / 1000)]
    public int Timeout { get; set; } = 300;

    /// <summary>Start even when the guests' memory exceeds what this computer has.</summary>
    [Parameter]
    public SwitchParameter Overcommit { get; set; }

    /// <summary>Ports of the machine that are reached at ports of this computer, such as 8080:80, or in Azure at its public address, such as 443; kept until others, or none, are given.</summary>
    [Parameter]
    [AllowEmptyCollection]
    public string[]? PublishPort { get; set; }

    /// <summary>In Azure: who may come to the published ports, as addresses or ranges of them; Internet for everybody.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string[]? PublishFrom { get; set; }

    private protected override string ActionName => "Start";

    private protected override string TargetOf(IaaSSession session, VirtualMachine machine) =>
        session.Provider is IPlacementPreview preview && IsWhatIf && !machine.State.IsActive()
            ? $"{machine.Name} on {preview.PreviewPlacement(machine.Id, new StartOptions { Overcommit = Overcommit }).Reason}"
            : machine.Name;

    private protected override async Task<VirtualMachine?> ActAsync(IaaSSession session, VirtualMachine machine, CancellationToken cancellation)
    {
        var wait = new WaitOptions { For = WaitFor.SignOfLife, Pattern = ConsolePattern.Compile(Pattern), Timeout = TimeSpan.FromSeconds(Timeout) };
        var options = new StartOptions { Overcommit = Overcommit, Publish = PublishPort?.Select(PublishedPort.Parse).ToList(), PublishFrom = PublishFrom ?? [] };
        var started = await session.Provider.StartAsync(machine.Id, options, Output, cancellation);
        if (!Wait)
            return started;
        var result = await session.Provider.WaitAsync(machine.Id, wait, Output, cancellation);
        if (!result.Seen)
            Output.Report(Notice.Warning(result.Evidence));
        return result.Machine;
    }
}

/// <summary>Stop-IaaSVm: shuts machines down.</summary>
[Cmdlet(VerbsLifecycle.Stop, "IaaSVm", SupportsShouldProcess = true)]
[OutputType(typeof(VirtualMachine))]
public sealed class StopVmCommand : VmActionCmdlet
{
    /// <summary>Pull the plug instead of asking the guest.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Keep the machine's capacity reserved: Stopped instead of Deallocated.</summary>
    [Parameter]
    public SwitchParameter StayProvisioned { get; set; }

    /// <summary>How long the guest may take to shut down, in seconds.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue / 1000)]
    public int Timeout { get; set; } = 120;

    private protected override string ActionName => Force ? "Pull the plug" : "Stop";

    private protected override async Task<VirtualMachine?> ActAsync(IaaSSession session, VirtualMachine machine, CancellationToken cancellation) =>
        await session.Provider.StopAsync(
            machine.Id, new StopOptions { Force = Force, StayProvisioned = StayProvisioned, Timeout = TimeSpan.FromSeconds(Timeout) }, Output, cancellation);
}

/// <summary>Restart-IaaSVm: shuts machines down and runs them again.</summary>
[Cmdlet(VerbsLifecycle.Restart, "IaaSVm", SupportsShouldProcess = true)]
[OutputType(typeof(VirtualMachine))]
public sealed class RestartVmCommand : VmActionCmdlet
{
    /// <summary>Pull the plug instead of asking the guest.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>How long the guest may take to shut down, in seconds.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue / 1000)]
    public int Timeout { get; set; } = 120;

    private protected override string ActionName => "Restart";

    private protected override async Task<VirtualMachine?> ActAsync(IaaSSession session, VirtualMachine machine, CancellationToken cancellation) =>
        await session.Provider.RestartAsync(machine.Id, new StopOptions { Force = Force, Timeout = TimeSpan.FromSeconds(Timeout) }, Output, cancellation);
}

/// <summary>Resume-IaaSVm: lets paused machines go on.</summary>
[Cmdlet(VerbsLifecycle.Resume, "IaaSVm", SupportsShouldProcess = true)]
[OutputType(typeof(VirtualMachine))]
public sealed class ResumeVmCommand : VmActionCmdlet
{
    private protected override string ActionName => "Resume";

    private protected override async Task<VirtualMachine?> ActAsync(IaaSSession session, VirtualMachine machine, CancellationToken cancellation) =>
        await session.Provider.ResumeAsync(machine.Id, Output, cancellation);
}

/// <summary>Remove-IaaSVm: deletes machines with their disks.</summary>
[Cmdlet(VerbsCommon.Remove, "IaaSVm", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(void))]
public sealed class RemoveVmCommand : VmActionCmdlet
{
    /// <summary>Remove it even while it runs.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    /// <summary>Keep its disks, in a folder of the fabric.</summary>
    [Parameter]
    public SwitchParameter KeepDisks { get; set; }

    private protected override string ActionName => KeepDisks ? "Remove, and keep its disks" : "Remove with its disks";

    private protected override async Task<VirtualMachine?> ActAsync(IaaSSession session, VirtualMachine machine, CancellationToken cancellation)
    {
        await session.Provider.RemoveAsync(machine.Id, Force, KeepDisks, Output, cancellation);
        return null;
    }
}
