using System.CommandLine;
using AzureIaaS.Azure;
using AzureIaaS.Cli.Commands;
using AzureIaaS.Local;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;
using AzureIaaS.Store;

namespace AzureIaaS.Cli;

/// <summary>A command at work: its session, its output, its errors. Every command runs in one.</summary>
internal sealed class CommandRun : IDisposable
{
    private IaaSSession? _session;
    private int _exitCode;

    private CommandRun(ParseResult parsed, CancellationToken cancellation)
    {
        Parsed = parsed;
        Cancellation = cancellation;
        Output = OutputWriter.For(parsed.GetValue(Shared.Output));
        Notices = new NoticeWriter(parsed.GetValue(Shared.Verbose));
    }

    public ParseResult Parsed { get; }

    public CancellationToken Cancellation { get; }

    public OutputWriter Output { get; }

    public NoticeWriter Notices { get; }

    /// <summary>The session of the context that was named, or of the current one; opened when first asked for.</summary>
    public IaaSSession Session => _session ??= Open(Parsed.GetValue(Shared.Context) is { } name ? new ContextStore().Get(name) : new ContextStore().Current);

    /// <summary>Lets a command run, and turns failures into messages and an exit code.</summary>
    public static Func<ParseResult, CancellationToken, Task<int>> Of(Func<CommandRun, Task> work) => async (parsed, cancellation) =>
    {
        using var run = new CommandRun(parsed, cancellation);
        await run.TryAsync(() => work(run));
        run.Notices.Clear();
        run.Output.Finish();
        return run._exitCode;
    };

    public static IaaSSession Open(IaaSContext context) => context.Provider == IaaSContext.AzureProvider
        ? IaaSSession.Open(context, new StoreAdapter(), new AzureAdapter())
        : IaaSSession.Open(context, new StoreAdapter(), new LocalAdapter(), FabricCommands.WatcherFor(context));

    /// <summary>Does something whose failure does not end the command: the next machine has its turn.</summary>
    public async Task TryAsync(Func<Task> work)
    {
        try
        {
            await work();
        }
        catch (OperationCanceledException) when (Cancellation.IsCancellationRequested)
        {
            Notices.Error("interrupted.", null);
            Fail(ExitCodes.Interrupted);
        }
        catch (IaaSException e)
        {
            Notices.Error(e.Message, e.Remedy);
            Fail(ExitCodes.Of(e.Kind));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Notices.Error(e.Message, "Check the path, the permissions and the disk, then try again.");
            Fail(ExitCodes.Other);
        }
        catch (Exception e)
        {
            Notices.Error($"this is a fault of iaas itself: {e}", "Please report it with the lines above and the command.");
            Fail(ExitCodes.Other);
        }
    }

    /// <summary>The machines that a command is about: those named, or those on standard input.</summary>
    public async Task<IReadOnlyList<VirtualMachine>> MachinesAsync(Argument<string[]> argument)
    {
        var names = Parsed.GetValue(argument) ?? [];
        IEnumerable<string> references = names.Length > 0 ? names : StandardInput.References();
        var found = new List<VirtualMachine>();
        var any = false;
        foreach (var reference in references)
        {
            any = true;
            await TryAsync(async () => found.AddRange(await Session.ResolveAsync(reference, Cancellation)));
        }

        // A command upstream that failed has said why; saying more would hide it.
        if (!any && !Console.IsInputRedirected)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "NoVmNamed", "No machine was named, and none came from standard input.",
                "Name one, or a pattern such as 'web*'; or pipe one in: iaas list | iaas start.");
        }

        if (!any && names.Length == 0)
            Fail(ExitCodes.Of(ErrorKind.NotFound));
        return [.. found.DistinctBy(m => m.Id)];
    }

    /// <summary>What the context's provider may be able to do.</summary>
    public T Ability<T>(string what)
        where T : class => Session.Provider as T
        ?? throw new IaaSException(ErrorKind.NotSupported, "NotSupportedHere", $"Context '{Session.Context.Name}' ({Session.Provider.Name}) does not do {what}.", "Use a context whose provider does; Get-IaaSContext lists them.");

    /// <summary>Whether only what would be done is wanted; then it has been said.</summary>
    public bool IsWhatIf(Option<bool> option, string what)
    {
        if (!Parsed.GetValue(option))
            return false;
        Notices.Report(Notice.Warning($"What if: {what}"));
        return true;
    }

    /// <summary>Remembers the first failure's exit code.</summary>
    public void Fail(int exitCode) => _exitCode = _exitCode == 0 ? exitCode : _exitCode;

    public void Dispose() => _session?.Dispose();
}
