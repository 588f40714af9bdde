using System.Management.Automation;
using System.Text.RegularExpressions;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Wait-IaaSVm: waits for machines; what does not come in time is an error.</summary>
[Cmdlet(VerbsLifecycle.Wait, "IaaSVm")]
[OutputType(typeof(VirtualMachine))]
public sealed class WaitVmCommand : VmCmdlet
{
    /// <summary>What to wait for.</summary>
    [Parameter]
    public WaitFor For { get; set; } = WaitFor.SignOfLife;

    /// <summary>For Console: the regular expression that a line must match.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Pattern { get; set; }

    /// <summary>For Port: the TCP port that the guest is to listen at; asked on its network.</summary>
    [Parameter]
    [ValidateRange(1, 65535)]
    public int Port { get; set; }

    /// <summary>How long to wait, in seconds.</summary>
    [Parameter]
    [ValidateRange(0, int.MaxValue / 1000)]
    public int Timeout { get; set; } = 300;

    /// <summary>How many machines are waited for at once.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int ThrottleLimit { get; set; } = 32;

    private protected override int Parallelism => ThrottleLimit;

    private protected override void Process(IaaSSession session, VirtualMachine machine)
    {
        var options = new WaitOptions { For = For, Pattern = ConsolePattern.Compile(Pattern), Port = Port, Timeout = TimeSpan.FromSeconds(Timeout) };
        if (For == WaitFor.Console && Pattern is null)
            throw new IaaSException(ErrorKind.InvalidArgument, "PatternMissing", "Waiting for the console needs a pattern.", "Give one: -For Console -Pattern 'login:'.");
        if (For == WaitFor.Port && Port == 0)
            throw new IaaSException(ErrorKind.InvalidArgument, "PortMissing", "Waiting for a port needs its number.", "Give one: -For Port -Port 80.");
        Begin(machine.Name, async cancellation =>
        {
            var result = await session.Provider.WaitAsync(machine.Id, options, Output, cancellation);
            if (!result.Seen)
                throw new IaaSException(ErrorKind.Timeout, "WaitTimeout", result.Evidence, "Look at its console with Get-IaaSVmConsole, or wait longer with -Timeout.", machine.Name);
            Output.Write(session.Mark(result.Machine));
        });
    }
}

/// <summary>Regular expressions for console lines, which a guest writes: bounded in time.</summary>
internal static class ConsolePattern
{
    /// <summary>Compiles a pattern.</summary>
    /// <param name="pattern">The pattern; null for none.</param>
    public static Regex? Compile(string? pattern)
    {
        try
        {
            return pattern is null ? null : new Regex(pattern, RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));
        }
        catch (ArgumentException e)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidPattern", $"'{pattern}' is not a regular expression: {e.Message}",
                "Correct the pattern; put a backslash before a character that is meant literally.", pattern, e);
        }
    }
}
