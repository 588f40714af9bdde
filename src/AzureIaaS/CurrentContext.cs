using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell;

/// <summary>The context that is current in a runspace: the one it connected to, else the one that the user's configuration remembers.</summary>
internal static class CurrentContext
{
    private static readonly ConditionalWeakTable<Runspace, IaaSContext> Connected = [];

    /// <summary>The context to work in.</summary>
    /// <param name="name">The name that was given; null for the current one.</param>
    public static IaaSContext Find(string? name)
    {
        if (name is not null)
            return new ContextStore().Get(name);
        return Connected.TryGetValue(Runspace.DefaultRunspace, out var context) ? context : new ContextStore().Current;
    }

    /// <summary>Opens a context.</summary>
    /// <param name="context">The context.</param>
    public static IaaSSession Open(IaaSContext context) => IaaSSession.Open(context, PrivateContext.Store, PrivateContext.Local, WatcherFor(context));

    /// <summary>The watcher of a context: this very PowerShell with this very module, since there may be nothing else on the machine.</summary>
    private static WatcherCommand? WatcherFor(IaaSContext context)
    {
        // A host other than pwsh (an editor, a program of somebody's) cannot be started with a command; it goes without.
        if (System.IO.Path.GetFileNameWithoutExtension(Environment.ProcessPath) != "pwsh")
            return null;
        var module = System.IO.Path.Combine(System.IO.Path.GetDirectoryName(typeof(CurrentContext).Assembly.Location)!, "..", "AzureIaaS.psd1");
        var command = $"Import-Module {Quote(System.IO.Path.GetFullPath(module))}; Watch-IaaSFabric -Path {Quote(context.Path)} -Hypervisor {context.Hypervisor} -UntilIdle";
        return new WatcherCommand(Environment.ProcessPath!, ["-NoLogo", "-NoProfile", "-NonInteractive", "-Command", command]);
    }

    private static string Quote(string text) => "'" + text.Replace("'", "''", StringComparison.Ordinal) + "'";

    /// <summary>Every context, with the runspace's own marked as the current one.</summary>
    public static IReadOnlyList<IaaSContext> List()
    {
        var current = Find(null).Name;
        var all = new ContextStore().List();
        foreach (var context in all)
            context.IsCurrent = context.Name.Equals(current, StringComparison.OrdinalIgnoreCase);
        return all;
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
        var context = new ContextStore().Disconnect(name);
        if (Connected.TryGetValue(Runspace.DefaultRunspace, out var current) && current.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
            Connected.Remove(Runspace.DefaultRunspace);
        return context;
    }
}
