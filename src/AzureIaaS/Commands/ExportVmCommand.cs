using System.Management.Automation;
using AzureIaaS.Exports;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Export-IaaSVm: takes machines home again.</summary>
[Cmdlet(VerbsData.Export, "IaaSVm", SupportsShouldProcess = true)]
[OutputType(typeof(FileInfo))]
public sealed class ExportVmCommand : VmCmdlet
{
    /// <summary>The file to make, or a folder to make files in; the current folder when left out.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>What to make: an OVA with everything, or the disks alone in a format.</summary>
    [Parameter]
    [ArgumentCompleter(typeof(ExportFormatCompleter))]
    public string Format { get; set; } = ExportRequest.Ova;

    /// <summary>Replace files that are there, once the new ones are whole.</summary>
    [Parameter]
    public SwitchParameter Force { get; set; }

    private protected override void Process(IaaSSession session, VirtualMachine machine)
    {
        var path = SessionState.Path.GetUnresolvedProviderPathFromPSPath(Path ?? ".");
        var lender = Ability.Of<IDiskLender>(session, "exports");
        var request = new ExportRequest { Format = Format, Path = path, Force = Force, Open = lender.OpenDisk };
        if (!ShouldProcess(machine.Name, $"Export as {Format} to {path}"))
            return;
        IReadOnlyList<string> made = [];
        Await(async c =>
        {
            await lender.LendDisksAsync(machine.Id, async lent => made = await MachineExport.RunAsync(lent, request, TimeProvider.System, Output, c), c);
            return true;
        });
        foreach (var file in made)
            WriteObject(InvokeProvider.Item.Get(WildcardPattern.Escape(file)), enumerateCollection: true);
    }
}
