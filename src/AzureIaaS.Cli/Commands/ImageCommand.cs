using System.CommandLine;
using AzureIaaS.Disks;
using AzureIaaS.Imports;

namespace AzureIaaS.Cli.Commands;

internal static class ImageCommand
{
    private static readonly Argument<string[]> Paths = new("path") { Description = "The files to look at.", Arity = ArgumentArity.OneOrMore };
    private static readonly Option<string?> Format = new("--format") { Description = "The format, without looking: raw, vhdx, ..." };

    public static Command Create()
    {
        var command = new Command("image", "Say what disk images are: format, sizes, partitions, firmware.");
        command.Arguments.Add(Paths);
        command.Options.Add(Format);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var path in run.Parsed.GetValue(Paths)!)
            {
                await run.TryAsync(() =>
                {
                    var options = new DiskOpenOptions { Format = run.Parsed.GetValue(Format) };
                    run.Output.Write(ImageInspection.Inspect(path, options, run.Cancellation), CoreJson.Default.ImageInfo);
                    return Task.CompletedTask;
                });
            }
        }));
        return command;
    }
}
