using System.Management.Automation;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Get-IaaSVmConsole: the lines of a machine's serial console.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSVmConsole")]
[OutputType(typeof(string))]
public sealed class GetVmConsoleCommand : VmCmdlet
{
    /// <summary>Only the last lines.</summary>
    [Parameter]
    [Alias("Last")]
    [ValidateRange(0, int.MaxValue)]
    public int? Tail { get; set; }

    /// <summary>Go on with new lines until stopped.</summary>
    [Parameter]
    public SwitchParameter Wait { get; set; }

    private protected override void Process(IaaSSession session, VirtualMachine machine) => Begin(machine.Name, async cancellation =>
    {
        await foreach (var line in session.Provider.ReadConsoleAsync(machine.Id, Tail, Wait, cancellation))
            Output.Write(line);
    });
}
