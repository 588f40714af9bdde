using System.CommandLine;

namespace AzureIaaS.Cli;

/// <summary>How output is written.</summary>
internal enum OutputKind
{
    /// <summary>A table on a terminal, JSON lines otherwise.</summary>
    Auto,

    /// <summary>A table.</summary>
    Table,

    /// <summary>One JSON object a line.</summary>
    Json,
}

/// <summary>Options and arguments that many commands have.</summary>
internal static class Shared
{
    public static Option<string?> Context { get; } = new("--context") { Description = "The context to work in, instead of the current one.", Recursive = true, HelpName = "name" };

    public static Option<OutputKind> Output { get; } = new("--output", "-o") { Description = "How output is written.", Recursive = true, DefaultValueFactory = _ => OutputKind.Auto };

    public static Option<bool> Verbose { get; } = new("--verbose", "-v") { Description = "Say more about what is done, on standard error.", Recursive = true };

    /// <summary>The machines a command is about.</summary>
    public static Argument<string[]> Machines() => Names("vm", "Names (with * and ?) or ids of machines; without any, machines are read from standard input.", ArgumentArity.ZeroOrMore);

    /// <summary>Names of several things. An option that is misspelt would be taken for one of them, and the command done without it.</summary>
    public static Argument<string[]> Names(string name, string description, ArgumentArity arity) => new(name)
    {
        Description = description,
        Arity = arity,
        Validators =
        {
            r =>
            {
                foreach (var token in r.Tokens.Where(t => t.Value.StartsWith('-')))
                    r.AddError($"{token.Value} is not an option of this command.");
            },
        },
    };

    /// <summary>An image's internal snapshot.</summary>
    public static Option<string?> Snapshot() => new("--snapshot") { Description = "The internal snapshot of a qcow2 to read, by id or name; its current state when left out." };

    /// <summary>What an image may refer to outside its root.</summary>
    public static Option<string[]> AllowExternalReference() =>
        new("--allow-external-reference") { Description = "A file or folder outside the root that an image may refer to all the same; may be given several times." };

    public static Option<bool> WhatIf() => new("--what-if") { Description = "Say what would be done, and do nothing." };

    /// <summary>A time limit in seconds.</summary>
    public static Option<int> Timeout(int seconds, string description) => new("--timeout")
    {
        Description = description,
        HelpName = "seconds",
        DefaultValueFactory = _ => seconds,
        Validators =
        {
            r =>
            {
                if (r.Tokens.Count == 1 && (!int.TryParse(r.Tokens[0].Value, out var value) || value < 0))
                    r.AddError($"--timeout takes a number of seconds, not '{r.Tokens[0].Value}'.");
            },
        },
    };

    /// <summary>A size such as 512MB.</summary>
    public static Option<long?> Size(string name, string description) => new(name)
    {
        Description = description,
        HelpName = "size",
        CustomParser = r =>
        {
            if (ByteSize.TryParse(r.Tokens[0].Value, out var bytes))
                return bytes;
            r.AddError($"{name} takes a size such as 512MB or 4GB, not '{r.Tokens[0].Value}'.");
            return null;
        },
    };
}
