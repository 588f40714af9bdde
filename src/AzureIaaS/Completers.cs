using System.Collections;
using System.Management.Automation;
using System.Management.Automation.Language;

namespace AzureIaaS.PowerShell;

/// <summary>Completes the names of machines, with their states as hints.</summary>
internal sealed class VmCompleter : IArgumentCompleter
{
    public IEnumerable<CompletionResult> CompleteArgument(
        string commandName, string parameterName, string wordToComplete, CommandAst commandAst, IDictionary fakeBoundParameters)
    {
        IReadOnlyList<StoredMachine> machines;
        try
        {
            using var session = CurrentContext.Open(CurrentContext.Find(fakeBoundParameters["Context"] as string));
            // From the store alone: a completion must be quick, and asks no process.
            machines = session.Store.Machines.List();
        }
        catch (IaaSException)
        {
            return [];   // the command itself will say what is wrong
        }

        return machines.Where(m => Completion.Matches(m.Machine.Name, wordToComplete))
            .Select(m => Completion.Of(m.Machine.Name, $"{m.Machine.Name}: {m.Machine.State}, {m.Machine.Cpu} CPU, {ByteSize.Format(m.Machine.Memory)}"));
    }
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
