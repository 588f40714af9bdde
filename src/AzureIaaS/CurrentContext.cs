using System.Management.Automation;
using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell;

/// <summary>The context that is current in a runspace: the one it connected to, else the one that the user's configuration remembers.</summary>
internal static class CurrentContext
{
    private static readonly ConditionalWeakTable<Runspace, IaaSContext> Connected = [];

    private static IaaSContext? Own => Connected.TryGetValue(Runspace.DefaultRunspace, out var context) ? context : null;

    /// <summary>The manifest of this very module.</summary>
    public static string ModulePath { get; } = System.IO.Path.GetFullPath(
        System.IO.Path.Combine(System.IO.Path.GetDirectoryName(typeof(CurrentContext).Assembly.Location)!, "..", "AzureIaaS.psd1"));

    /// <summary>Makes a context current in a runspace, and remembers it nowhere else.</summary>
    /// <param name="runspace">The runspace.</param>
    /// <param name="context">The context.</param>
    public static void Give(Runspace runspace, IaaSContext context) => Connected.AddOrUpdate(runspace, context);

    /// <summary>The context to work in.</summary>
    /// <param name="name">The name that was given; null for the current one.</param>
    public static IaaSContext Find(string? name) =>
        Own is { } own && (name is null || Same(own.Name, name)) ? own
        : name is null ? new ContextStore().Current
        : new ContextStore().Get(name);

    /// <summary>Opens a context.</summary>
    /// <param name="context">The context.</param>
    public static IaaSSession Open(IaaSContext context) => context.Provider == IaaSContext.AzureProvider
        ? IaaSSession.Open(context, PrivateContext.Store, PrivateContext.Azure)
        : IaaSSession.Open(context, PrivateContext.Store, PrivateContext.Local, WatcherFor(context));

    /// <summary>The watcher of a context: this very PowerShell with this very module, since there may be nothing else on the machine.</summary>
    private static WatcherCommand? WatcherFor(IaaSContext context)
    {
        // A host other than pwsh (an editor, a program of somebody's) cannot be started with a command; it goes without.
        if (System.IO.Path.GetFileNameWithoutExtension(Environment.ProcessPath) != "pwsh")
            return null;
        var command = $"Import-Module {Quote(ModulePath)}; Watch-IaaSFabric -Path {Quote(context.Path)} -Hypervisor {context.Hypervisor} -UntilIdle";
        string[] Arguments(string line) => ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", line];
        return new WatcherCommand(Environment.ProcessPath!, Arguments(command))
        {
            SwitchArguments = network => Arguments($"{command} -NetworkId {network}"),
            LinkArguments = vm => Arguments($"{command} -LinkId {vm}"),
        };
    }

    private static string Quote(string text) => "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";

    /// <summary>Every context, with the one that is current in this runspace marked; it is listed even if another shell has forgotten it.</summary>
    public static IReadOnlyList<IaaSContext> List()
    {
        var all = new ContextStore().List().ToList();
        if (Own is { } own)
        {
            all.RemoveAll(c => Same(c.Name, own.Name));
            all.Add(own);
        }

        var current = Find(null).Name;
        foreach (var context in all)
            context.IsCurrent = Same(context.Name, current);
        return all;
    }

    /// <summary>The contexts that a pattern means.</summary>
    /// <param name="pattern">The pattern.</param>
    public static IReadOnlyList<IaaSContext> Matching(string pattern)
    {
        var wildcard = WildcardPattern.Get(pattern, WildcardOptions.IgnoreCase);
        return [.. List().Where(c => wildcard.IsMatch(c.Name))];
    }

    /// <summary>Makes a context current in this runspace, and remembers it.</summary>
    /// <param name="context">The context.</param>
    public static void Connect(IaaSContext context)
    {
        new ContextStore().Connect(context);
        Connected.AddOrUpdate(Runspace.DefaultRunspace, context);
    }

    /// <summary>Forgets a context.</summary>
    /// <param name="name">Its name.</param>
    public static IaaSContext Disconnect(string name)
    {
        var store = new ContextStore();
        if (Own is not { } own || !Same(own.Name, name))
            return store.Disconnect(name);
        Connected.Remove(Runspace.DefaultRunspace);
        var isKnown = store.List().Any(c => Same(c.Name, name));   // else another shell has been faster
        return isKnown ? store.Disconnect(name) : own;
    }

    private static bool Same(string a, string b) => a.Equals(b, StringComparison.OrdinalIgnoreCase);
}
