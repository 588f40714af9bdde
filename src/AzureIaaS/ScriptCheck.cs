using System.Management.Automation;
using System.Management.Automation.Language;
using System.Management.Automation.Runspaces;
using System.Text;
using AzureIaaS.Failover;
using AzureIaaS.Providers;
using Shell = System.Management.Automation.PowerShell;

namespace AzureIaaS.PowerShell;

/// <summary>
/// A check by script: the block's text, in a runspace of its own, with the machine as its argument and the values of its $using: variables. It
/// fails when it throws, writes an error, or ends with $false, and is stopped when its time is over.
/// </summary>
internal sealed class ScriptCheck : FailoverCheck
{
    private const string Prefix = "__using_";

    private readonly string _text;
    private readonly Dictionary<string, object?> _values = new(StringComparer.OrdinalIgnoreCase);

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

    /// <inheritdoc/>
    public override string Name => "Script";

    /// <inheritdoc/>
    public override async Task<(bool Succeeded, string Detail)> RunAsync(VirtualMachine machine, IVmProvider provider, CancellationToken cancellation)
    {
        using var runspace = RunspaceFactory.CreateRunspace();
        runspace.Open();
        foreach (var (name, value) in _values)
            runspace.SessionStateProxy.SetVariable(name, value);
        using var shell = Shell.Create();
        shell.Runspace = runspace;
        shell.AddScript("& { " + Body() + " } @args").AddArgument(machine);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(Timeout);
        var run = Task.Factory.FromAsync(shell.BeginInvoke(), shell.EndInvoke);
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
    }

    /// <summary>The text without the braces that a block literal has around it.</summary>
    private string Body() => _text.StartsWith('{') && _text.EndsWith('}') ? _text[1..^1] : _text;
}
