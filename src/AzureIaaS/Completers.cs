using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;
using AzureIaaS.Disks;
using AzureIaaS.Exports;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell;

/// <summary>Completes the names of machines, with their states as hints.</summary>
internal sealed class VmCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        // From the store alone: a completion must be quick, and asks no process.
        Completion.From(fakeBoundParameters, session => session.Store.Machines.List().Select(m => m.Machine)
            .Where(m => m.RehearsalOf is null && Completion.Matches(m.Name, wordToComplete))
            .Select(m => Completion.Of(m.Name, $"{m.Name}: {m.State}, {m.Cpu} CPU, {ByteSize.Format(m.Memory)}")));
}

/// <summary>Completes the names of contexts.</summary>
internal sealed class ContextCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        try
        {
            return [.. CurrentContext.List().Where(c => Completion.Matches(c.Name, wordToComplete)).Select(c => Completion.Of(c.Name, $"{c.Provider}: {c.Path}"))];
        }
        catch (IaaSException)
        {
            return [];   // the command itself will say what is wrong
        }
    }
}

/// <summary>What completions have in common.</summary>
internal static class Completion
{
    /// <summary>Completions from the state of a context; none where that cannot be opened: the command itself will say why.</summary>
    public static IEnumerable<CompletionResult> From(IDictionary boundParameters, Func<IaaSSession, IEnumerable<CompletionResult>> find)
    {
        try
        {
            using var session = CurrentContext.Open(CurrentContext.Find(boundParameters["Context"] as string));
            return [.. find(session)];
        }
        catch (IaaSException)
        {
            return [];
        }
    }

    /// <summary>Completions from the machine that the command line names already.</summary>
    public static IEnumerable<CompletionResult> FromVm(IDictionary boundParameters, Func<VirtualMachine, IEnumerable<CompletionResult>> find) =>
        From(boundParameters, session =>
        {
            var vm = boundParameters["Vm"]?.ToString() ?? boundParameters["Name"]?.ToString();
            return vm is not null && session.Store.Machines.Find(vm)?.Machine is { } machine ? find(machine) : [];
        });

    public static bool Matches(string name, string word) => name.StartsWith(word.Trim('\'', '"'), StringComparison.OrdinalIgnoreCase);

    public static CompletionResult Of(string name, string hint) =>
        new(name.Any(c => !char.IsLetterOrDigit(c) && c is not ('-' or '_' or '.')) ? $"'{name}'" : name, name, CompletionResultType.ParameterValue, hint);
}

/// <summary>Completes the names of the disk formats that can be read.</summary>
internal sealed class FormatCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Disks.DiskFormat.Known.Where(f => f.CanRead && Completion.Matches(f.Name, wordToComplete)).Select(f => Completion.Of(f.Name, f.DisplayName));
}

/// <summary>Completes the kinds of disk images that can be made.</summary>
internal sealed class WriteFormatCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        WriteFormat.Known.Where(f => Completion.Matches(f.Name, wordToComplete)).Select(f => Completion.Of(f.Name, f.DisplayName));
}

/// <summary>Completes what a machine can be exported as.</summary>
internal sealed class ExportFormatCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        ExportRequest.Formats.Where(f => Completion.Matches(f, wordToComplete)).Select(f => Completion.Of(f, f));
}

/// <summary>Completes the names of hosts.</summary>
internal sealed class HostCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completion.From(fakeBoundParameters, session => session.Store.Hosts.List().Where(h => Completion.Matches(h.Name, wordToComplete))
            .Select(h => Completion.Of(h.Name, $"{h.Name}: {h.State}, fault domain {h.FaultDomain}, update domain {h.UpdateDomain}")));
}

/// <summary>Completes the names of staged imports.</summary>
internal sealed class StagedImportCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completion.From(fakeBoundParameters, session => session.ListOperations(includeEnded: false).Where(o => o.State == OperationState.Staged && Completion.Matches(o.VmName, wordToComplete))
            .Select(o => Completion.Of(o.VmName, $"{o.VmName}: {o.Source}")));
}

/// <summary>Completes the names of networks.</summary>
internal sealed class NetworkCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completion.From(fakeBoundParameters, session => session.Store.Networks.List().Where(n => n.RehearsalOf is null && Completion.Matches(n.Name, wordToComplete))
            .Select(n => Completion.Of(n.Name, $"{n.Name}: {n.Subnet}{(n.DnsSuffix is { } suffix ? ", " + suffix : "")}")));
}

/// <summary>Completes the names of checkpoints of the machine that was named.</summary>
internal sealed class CheckpointCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completion.FromVm(fakeBoundParameters, machine => machine.Checkpoints
            .Where(c => !c.IsTemporary && Completion.Matches(c.Name, wordToComplete))
            .Select(c => Completion.Of(c.Name, $"{c.Name}: {c.Created.ToLocalTime():g}{(c.HasMemory ? ", with memory" : "")}")));
}

/// <summary>Completes the names of the disks of the machine that was named.</summary>
internal sealed class DiskCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Completion.FromVm(fakeBoundParameters, machine => machine.Disks.Where(d => Completion.Matches(d.Name, wordToComplete))
            .Select(d => Completion.Of(d.Name, $"{d.Name}: {ByteSize.Format(d.Length)}, {d.Controller}")));
}

/// <summary>Completes the checks of a failover.</summary>
internal sealed class CheckCompleter : IArgumentCompleter
{
    private static readonly (string Name, string Hint)[] Checks =
    [
        ("Process", "its process runs"),
        ("SignOfLife", "its guest gives a sign of life of its own"),
        ("Console", "a line of its console matches -Pattern"),
        ("Agent", "its guest agent answers"),
        ("Port", "its guest listens at the TCP port of -Port"),
        ("Ping", "its guest answers a ping on its network"),
    ];

    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters) =>
        Checks.Where(c => Completion.Matches(c.Name, wordToComplete)).Select(c => Completion.Of(c.Name, c.Hint));
}
