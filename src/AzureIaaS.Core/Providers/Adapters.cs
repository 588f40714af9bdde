using AzureIaaS.Sessions;

namespace AzureIaaS.Providers;

/// <summary>Opens state stores; implemented by AzureIaaS.Store, which may live in a load context of its own.</summary>
public interface IStoreAdapter
{
    /// <summary>Opens the store in a folder, and makes it when there is none.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="durable">Whether what is written must survive the loss of power.</param>
    /// <exception cref="IaaSException">It cannot be opened: damaged, not writable, or of a newer version.</exception>
    IStateStore Open(string folder, bool durable);
}

/// <summary>The command that runs a fabric's watcher: the front end's own program, since a user's machine may have no other.</summary>
/// <param name="Program">The program's full path.</param>
/// <param name="Arguments">Its arguments.</param>
public sealed record WatcherCommand(string Program, IReadOnlyList<string> Arguments)
{
    /// <summary>The arguments that make it the switch of a network instead, by the network's id; null where none is wanted.</summary>
    public Func<Guid, IReadOnlyList<string>>? SwitchArguments { get; init; }

    /// <summary>The arguments that make it serve and copy the images of a linked machine instead, by the machine's id; null where none is wanted.</summary>
    public Func<Guid, IReadOnlyList<string>>? LinkArguments { get; init; }
}

/// <summary>Opens a provider; implemented by AzureIaaS.Local, and by every other provider.</summary>
public interface IProviderAdapter
{
    /// <summary>The folder in which a context of this provider keeps its state.</summary>
    /// <param name="context">The context.</param>
    string StateFolder(IaaSContext context);

    /// <summary>Opens the provider for a context.</summary>
    /// <param name="context">The context.</param>
    /// <param name="store">The context's store, which stays the caller's.</param>
    /// <param name="time">The clock.</param>
    /// <param name="watcher">How a background watcher is started; null where none is wanted.</param>
    IVmProvider Open(IaaSContext context, IStateStore store, TimeProvider time, WatcherCommand? watcher);
}
