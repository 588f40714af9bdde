using System.Management.Automation.Runspaces;
using System.Runtime.CompilerServices;
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
