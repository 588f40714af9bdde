using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;
using System.Text;
using AzureIaaS.Failover;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;
using Shell = System.Management.Automation.PowerShell;

namespace AzureIaaS.PowerShell;

/// <summary>
/// A check by script: the block's text, in a runspace of its own with this module and the machine's context, with the machine as its argument and
/// the values of its $using: variables. It fails when it throws, writes an error, or ends with $false, and is stopped when its time is over.
/// </summary>
internal sealed class ScriptCheck : FailoverCheck
{
    private const string Prefix = "__using_";

    private readonly string _text;
    private readonly Dictionary<string, object?> _values = new(StringComparer.OrdinalIgnoreCase);
    private readonly IaaSContext? _context;

    /// <summary>Takes the text of a block and the values it uses, at once: they may change before it runs.</summary>
    /// <param name="script">The block.</param>
    /// <param name="session">Where its variables are.</param>
    public ScriptCheck(ScriptBlock script, SessionState session)
    {
        var ast = (ScriptBlockAst)script.Ast;
        var text = new StringBuilder(ast.Extent.Text);
        var start = ast.Extent.StartOffset;
        foreach (var used in ast.FindAll(a => a is UsingExpressionAst, searchNestedScriptBlocks: true).Cast<UsingExpressionAst>().OrderByDescending(u => u.Extent.StartOffset))
        {
            if (used.SubExpression is not VariableExpressionAst variable)
            {
                throw new IaaSException(ErrorKind.InvalidArgument, "UnsupportedUsing", $"{used.Extent.Text} in a check is not a plain variable.",
                    "Put the value into a variable first, and use that with $using:.", used.Extent.Text);
            }

            var name = variable.VariablePath.UserPath;
            _values[Prefix + name] = session.PSVariable.GetValue(name);
            text.Remove(used.Extent.StartOffset - start, used.Extent.Text.Length).Insert(used.Extent.StartOffset - start, "$" + Prefix + name);
        }

        _text = text.ToString();
    }

    private ScriptCheck(ScriptCheck other, IaaSContext context) => (_text, _values, _context, Timeout) = (other._text, other._values, context, other.Timeout);

    /// <summary>The same check in a context, which is the current one while it runs.</summary>
    /// <param name="context">The context.</param>
    public ScriptCheck In(IaaSContext context) => new(this, context);

    /// <inheritdoc/>
    public override string Name => "Script";

    /// <inheritdoc/>
    public override async Task<(bool Succeeded, string Detail)> RunAsync(VirtualMachine machine, IVmProvider provider, CancellationToken cancellation)
    {
        var shell = Open(machine);
        var run = Task.Factory.FromAsync(shell.BeginInvoke(), shell.EndInvoke);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Timeout);
        try
        {
            var output = await run.WaitAsync(limit.Token);
            if (shell.Streams.Error.Count > 0)
                return (false, shell.Streams.Error[0].ToString());
            var last = output.Count > 0 ? output[^1]?.BaseObject : null;
            return (last is not false, string.Join(' ', output.Select(o => o?.ToString()).TakeLast(3)));
        }
        catch (OperationCanceledException)
        {
            shell.BeginStop(null, null);
            cancellation.ThrowIfCancellationRequested();
            return (false, $"It had not ended after {Timeout.TotalSeconds:0} s, and was stopped.");
        }
        catch (RuntimeException e)
        {
            return (false, e.Message);
        }
        finally
        {
            // A block that is stopped in the middle of a call into .NET ends after that, and nobody waits for it.
            _ = run.ContinueWith(_ => Close(shell), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        }
    }

    private Shell Open(VirtualMachine machine)
    {
        var state = InitialSessionState.CreateDefault();
        state.ImportPSModule([CurrentContext.ModulePath]);
        var runspace = RunspaceFactory.CreateRunspace(state);
        runspace.Open();
        if (_context is not null)
        {
            CurrentContext.Give(runspace, _context);
            machine.Context = _context.Name;
        }

        foreach (var (name, value) in _values)
            runspace.SessionStateProxy.SetVariable(name, value);
        var shell = Shell.Create();
        shell.Runspace = runspace;
        return shell.AddScript("& { " + Body() + " } @args").AddArgument(machine);
    }

    private static void Close(Shell shell)
    {
        shell.Runspace.Dispose();
        shell.Dispose();
    }

    /// <summary>The text without the braces that a block literal has around it.</summary>
    private string Body() => _text.StartsWith('{') && _text.EndsWith('}') ? _text[1..^1] : _text;
}
