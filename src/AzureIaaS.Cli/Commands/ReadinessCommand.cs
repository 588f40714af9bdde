using System.CommandLine;
using AzureIaaS.Imports;
using AzureIaaS.Readiness;

namespace AzureIaaS.Cli.Commands;

internal static class ReadinessCommand
{
    private static readonly Argument<string[]> Paths = new("path") { Description = "The disk images or machine descriptions to judge.", Arity = ArgumentArity.OneOrMore };
    private static readonly Option<ReadinessTarget> Target = new("--target", "-t") { Description = "Where the machine is to go." };
    private static readonly Option<Firmware> FirmwareOption = new("--firmware") { Description = "The firmware, where the machine does not say." };
    private static readonly Option<string?> Format = new("--format") { Description = "The image's format, without looking: raw, vhdx, ..." };
    private static readonly Option<string?> Root = new("--root") { Description = "The folder that no file an image refers to may leave." };
    private static readonly Option<string[]> AllowExternalReference = Shared.AllowExternalReference();

    public static Command Create()
    {
        var command = new Command("readiness", "Judge whether machines are fit for a target, from their files alone.");
        command.Arguments.Add(Paths);
        foreach (var option in new Option[] { Target, FirmwareOption, Format, Root, AllowExternalReference })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var path in run.Parsed.GetValue(Paths)!)
            {
                await run.TryAsync(() =>
                {
                    var request = new ImportRequest
                    {
                        Path = path,
                        Firmware = run.Parsed.GetValue(FirmwareOption),
                        Format = run.Parsed.GetValue(Format),
                        Root = run.Parsed.GetValue(Root),
                        ExternalReferences = run.Parsed.GetValue(AllowExternalReference) ?? [],
                    };
                    run.Output.Write(ReadinessJudge.Judge(request, run.Parsed.GetValue(Target), run.Cancellation), CoreJson.Default.ReadinessReport);
                    return Task.CompletedTask;
                });
            }
        }));
        return command;
    }
}
