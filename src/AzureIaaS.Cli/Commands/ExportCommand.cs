using System.CommandLine;
using AzureIaaS.Exports;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli.Commands;

internal static class ExportCommand
{
    public static Command Create()
    {
        var path = new Option<string?>("--path", "-p") { Description = "The file to make, or a folder to make files in; the current folder when left out." };
        var format = new Option<string>("--format", "-f")
        {
            Description = $"What to make: {string.Join(", ", ExportRequest.Formats)}.", DefaultValueFactory = _ => ExportRequest.Ova,
        };
        var force = new Option<bool>("--force") { Description = "Replace files that are there, once the new ones are whole." };
        return VmCommand.Create("export", "Export stopped machines as OVA, or their disks in a format; prints the files' paths.", [VmCommand.Vm()], [path, format, force], async (run, machine) =>
        {
            var lender = run.Ability<IDiskLender>("exports");
            var request = new ExportRequest { Format = run.Parsed.GetValue(format)!, Path = Path.GetFullPath(run.Parsed.GetValue(path) ?? "."), Force = run.Parsed.GetValue(force), Open = lender.OpenDisk };
            await lender.LendDisksAsync(machine.Id, async lent =>
            {
                foreach (var file in await MachineExport.RunAsync(lent, request, TimeProvider.System, run.Notices, run.Cancellation))
                    Console.Out.WriteLine(file);
            }, run.Cancellation);
        });
    }
}
