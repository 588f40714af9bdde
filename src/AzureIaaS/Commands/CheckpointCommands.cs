using System.Management.Automation;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>What the cmdlets over checkpoints share.</summary>
internal static class CheckpointAbility
{
    public static ICheckpointProvider Of(IaaSSession session) => Ability.Of<ICheckpointProvider>(session, "checkpoints");

    /// <summary>The checkpoints of a machine that were meant.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="name">The name, with wildcards, or id that was given.</param>
    /// <exception cref="IaaSException">Nothing was given, or there is none.</exception>
    public static IEnumerable<VmCheckpoint> Find(VirtualMachine machine, string? name)
    {
        if (name is null)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "CheckpointNameMissing", $"No checkpoint of {machine.Name} was named.",
                "Give -CheckpointName, or pipe checkpoints from Get-IaaSVmCheckpoint.", machine.Name);
        }

        var pattern = WildcardPattern.Get(name, WildcardOptions.IgnoreCase);
        var own = machine.Checkpoints.Where(c => !c.IsTemporary).ToList();

        // A name may have brackets in it, which would be a pattern for other names.
        if (own.FirstOrDefault(c => c.Name.Equals(name, StringComparison.OrdinalIgnoreCase)) is { } exact)
            return [exact];
        var found = own.Where(c => pattern.IsMatch(c.Name) || (Guid.TryParse(name, out var id) && c.Id == id)).ToList();
        if (found.Count == 0 && !WildcardPattern.ContainsWildcardCharacters(name))
        {
            throw new IaaSException(ErrorKind.NotFound, "CheckpointNotFound", $"{machine.Name} has no checkpoint '{name}'.",
                own.Count == 0 ? "It has none; Checkpoint-IaaSVm takes one." : $"It has {string.Join(", ", own.Select(c => $"'{c.Name}'"))}.", name);
        }

        return found;
    }
}

/// <summary>What a provider may be able to do.</summary>
internal static class Ability
{
    /// <summary>An ability of a session's provider.</summary>
    /// <typeparam name="T">The ability.</typeparam>
    /// <param name="session">The session.</param>
    /// <param name="what">What it is about, for the message.</param>
    public static T Of<T>(IaaSSession session, string what)
        where T : class => session.Provider as T
        ?? throw new IaaSException(ErrorKind.NotSupported, "NotSupportedHere", $"Context '{session.Context.Name}' ({session.Provider.Name}) does not do {what}.", "Use a context whose provider does; Get-IaaSContext lists them.");
}

/// <summary>Checkpoint-IaaSVm: keeps the state of machines under a name.</summary>
[Cmdlet(VerbsData.Checkpoint, "IaaSVm", SupportsShouldProcess = true)]
[OutputType(typeof(VmCheckpoint))]
public sealed class CheckpointVmCommand : VmCmdlet
{
    /// <summary>The checkpoint's name; the time when left out.</summary>
    [Parameter(Position = 1)]
    [Alias("SnapshotName")]
    [ValidateNotNullOrEmpty]
    public string? CheckpointName { get; set; }

    /// <summary>Keep the memory too: restoring goes on in the middle of the run.</summary>
    [Parameter]
    public SwitchParameter IncludeMemory { get; set; }

    /// <summary>In Azure: another region that the checkpoint is copied to, for the loss of its own.</summary>
    [Parameter]
    [EmptyIsNull]
    public string? CopyTo { get; set; }

    private protected override void Process(IaaSSession session, VirtualMachine machine)
    {
        var name = CheckpointName ?? TimeProvider.System.GetUtcNow().ToString("yyyy-MM-dd HH:mm:ss", System.Globalization.CultureInfo.InvariantCulture);
        var copier = CopyTo is null ? null : Ability.Of<ICheckpointCopier>(session, "copies of checkpoints in other regions");
        if (!ShouldProcess(machine.Name, $"Keep its state as '{name}'{(CopyTo is null ? "" : $", in {CopyTo} too")}"))
            return;
        Begin(machine.Name, async c =>
        {
            var checkpoint = copier is null
                ? await CheckpointAbility.Of(session).CreateCheckpointAsync(machine.Id, name, IncludeMemory, Output, c)
                : await copier.CreateCopiedCheckpointAsync(machine.Id, name, IncludeMemory, CopyTo!, Output, c);
            checkpoint.Context = session.Context.Name;
            Output.Write(checkpoint);
        });
    }
}

/// <summary>Get-IaaSVmCheckpoint: lists the checkpoints of machines.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSVmCheckpoint")]
[OutputType(typeof(VmCheckpoint))]
public sealed class GetVmCheckpointCommand : VmPartsCmdlet
{
    /// <summary>The checkpoints' names, with wildcards; all when left out.</summary>
    [Parameter(Position = 1)]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(CheckpointCompleter))]
    public string CheckpointName { get; set; } = "*";

    private protected override void Process(IaaSSession session, VirtualMachine machine)
    {
        foreach (var checkpoint in CheckpointAbility.Find(machine, CheckpointName))
        {
            checkpoint.Context = session.Context.Name;
            WriteObject(checkpoint);
        }
    }
}

/// <summary>Restore-IaaSVmCheckpoint: takes machines back to a state that was kept.</summary>
[Cmdlet(VerbsData.Restore, "IaaSVmCheckpoint", SupportsShouldProcess = true, ConfirmImpact = ConfirmImpact.High)]
[OutputType(typeof(VirtualMachine))]
public sealed class RestoreVmCheckpointCommand : VmCmdlet
{
    /// <summary>The checkpoint's name; not needed for checkpoints that are piped in.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    [ArgumentCompleter(typeof(CheckpointCompleter))]
    public string? CheckpointName { get; set; }

    private protected override void Process(IaaSSession session, VirtualMachine machine)
    {
        var found = CheckpointAbility.Find(machine, CheckpointName ?? Part).ToList();
        if (found.Count != 1)
            throw new IaaSException(ErrorKind.InvalidArgument, "AmbiguousCheckpoint", $"'{CheckpointName}' means {found.Count} checkpoints of {machine.Name}.", "Name exactly one.", CheckpointName);
        if (ShouldProcess(machine.Name, $"Go back to '{found[0].Name}' of {found[0].Created.ToLocalTime():g}, and lose what it has done since"))
            Begin(machine.Name, async c => Output.Write(session.Mark(await CheckpointAbility.Of(session).RestoreCheckpointAsync(machine.Id, found[0].Id, Output, c))));
    }
}

/// <summary>Remove-IaaSVmCheckpoint: forgets states that were kept.</summary>
[Cmdlet(VerbsCommon.Remove, "IaaSVmCheckpoint", SupportsShouldProcess = true)]
[OutputType(typeof(void))]
public sealed class RemoveVmCheckpointCommand : VmCmdlet
{
    /// <summary>The checkpoints' names, with wildcards; not needed for checkpoints that are piped in.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    [SupportsWildcards]
    [ArgumentCompleter(typeof(CheckpointCompleter))]
    public string? CheckpointName { get; set; }

    private protected override void Process(IaaSSession session, VirtualMachine machine)
    {
        foreach (var checkpoint in CheckpointAbility.Find(machine, CheckpointName ?? Part).Where(c => ShouldProcess(machine.Name, $"Forget '{c.Name}'")))
            Begin(machine.Name, c => CheckpointAbility.Of(session).RemoveCheckpointAsync(machine.Id, checkpoint.Id, Output, c));
    }
}
