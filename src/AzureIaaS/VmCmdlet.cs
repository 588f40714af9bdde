using System.Management.Automation;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell;

/// <summary>A cmdlet over machines: one parameter for them, several at once.</summary>
public abstract class VmCmdlet : IaaSCmdlet
{
    /// <summary>The machines: names with wildcards, ids, machines, or what names one.</summary>
    [Parameter(Mandatory = true, Position = 0, ValueFromPipeline = true)]
    [Alias("Name", "VMName", "InputObject")]
    [ValidateNotNullOrEmpty]
    [VmReferences]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(VmCompleter))]
    public virtual VmReference[] Vm { get; set; } = [];

    /// <summary>The checkpoint or disk that stood for the machine being worked on; null when the machine itself was given.</summary>
    private protected string? Part { get; private set; }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        foreach (var reference in Vm)
        {
            Try(reference.Reference, () =>
            {
                Part = reference.Part;
                var session = Session(reference.Context);
                foreach (var machine in Await(c => session.ResolveAsync(reference.Reference, c)))
                    Process(session, machine);
            });
        }
    }

    /// <summary>Does the cmdlet's work for one machine. On the pipeline's thread.</summary>
    /// <param name="session">The session of the context it lives in.</param>
    /// <param name="machine">The machine.</param>
    private protected abstract void Process(IaaSSession session, VirtualMachine machine);
}

/// <summary>A cmdlet that shows what machines have: of all of them when none is named.</summary>
public abstract class VmPartsCmdlet : VmCmdlet
{
    /// <summary>The machines: names with wildcards, ids, machines; all when left out.</summary>
    [Parameter(Position = 0, ValueFromPipeline = true)]
    [Alias("Name", "VMName", "InputObject")]
    [ValidateNotNullOrEmpty]   // a variable that is empty by mistake must not mean every machine
    [VmReferences]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(VmCompleter))]
    public override VmReference[] Vm { get; set; } = [new VmReference("*")];
}

/// <summary>A cmdlet that changes machines: asks first where it should, works on several at once, passes them on.</summary>
public abstract class VmActionCmdlet : VmCmdlet
{
    /// <summary>How many machines are worked on at once.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int ThrottleLimit { get; set; } = 5;

    /// <summary>Go on in a job, and give that out at once.</summary>
    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override int Parallelism => ThrottleLimit;

    private protected override bool InJob => AsJob;

    /// <summary>What the cmdlet does, for -WhatIf and -Confirm.</summary>
    private protected abstract string ActionName { get; }

    /// <summary>What -WhatIf and -Confirm call the machine.</summary>
    /// <param name="session">The session of the context it lives in.</param>
    /// <param name="machine">The machine.</param>
    private protected virtual string TargetOf(IaaSSession session, VirtualMachine machine) => machine.Name;

    /// <summary>Whether -WhatIf was given.</summary>
    private protected bool IsWhatIf => MyInvocation.BoundParameters.TryGetValue("WhatIf", out var value) && ((SwitchParameter)value).ToBool();

    private protected sealed override void Process(IaaSSession session, VirtualMachine machine)
    {
        if (!ShouldProcess(TargetOf(session, machine), ActionName))
            return;
        Begin(machine.Name, async cancellation =>
        {
            if (await ActAsync(session, machine, cancellation) is { } after)
                Output.Write(session.Mark(after));
        });
    }

    /// <summary>Does the work.</summary>
    /// <param name="session">The session of the context it lives in.</param>
    /// <param name="machine">The machine.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The machine afterwards; null when there is nothing to pass on.</returns>
    private protected abstract Task<VirtualMachine?> ActAsync(IaaSSession session, VirtualMachine machine, CancellationToken cancellation);
}
