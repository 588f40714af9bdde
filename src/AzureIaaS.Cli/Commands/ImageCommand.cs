using System.CommandLine;
using AzureIaaS.Disks;
using AzureIaaS.Imports;

namespace AzureIaaS.Cli.Commands;

internal static class ImageCommand
{
    private static readonly Argument<string[]> Paths = new("path") { Description = "The files to look at.", Arity = ArgumentArity.ZeroOrMore };
    private static readonly Option<string?> Format = new("--format") { Description = "The format, without looking: raw, vhdx, ..." };
    private static readonly Option<string?> Snapshot = Shared.Snapshot();
    private static readonly Option<string?> Root = new("--root") { Description = "The folder that no file an image refers to may leave." };
    private static readonly Option<string[]> AllowExternalReference = Shared.AllowExternalReference();

    private static readonly Option<bool> Digest = new("--digest") { Description = "Compute the digest of the content, as an import notes it." };
    private static readonly Option<bool> Checksum = new("--checksum") { Description = "Compute the SHA-256 of the raw content." };
    private static readonly Option<bool> Check = new("--check") { Description = "Read all of the image, and say everything that is wrong with it." };

    private static readonly Argument<string[]> Sources = new("path") { Description = "The images to convert.", Arity = ArgumentArity.OneOrMore };
    private static readonly Option<string> Target = new("--format", "-f")
    {
        Description = $"What kind of image to make: {string.Join(", ", WriteFormat.Known.Select(f => f.Name))}.", Required = true,
    };
    private static readonly Option<string?> Output = new("--path", "-p") { Description = "The file to make, or a folder to make it in; beside the image when left out." };
    private static readonly Option<string?> SourceFormat = new("--source-format") { Description = "The image's own format, without looking." };
    private static readonly Option<bool> Force = new("--force") { Description = "Replace a file that is there, once the new one is whole." };

    public static Command Create()
    {
        var command = new Command("image", "Say what disk images are, an appliance's too: format, sizes, chain, partitions, firmware, system.");
        command.Arguments.Add(Paths);
        foreach (var option in new Option[] { Format, Snapshot, Root, AllowExternalReference, Digest, Checksum, Check })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            var options = OptionsOf(run, Format);
            foreach (var path in run.Parsed.GetValue(Paths)!)
            {
                await run.TryAsync(async () =>
                {
                    foreach (var image in await ImageInspection.InspectAllAsync(path, options, Wanted(run), run.Notices, run.Cancellation))
                        run.Output.Write(image, CoreJson.Default.ImageInfo);
                });
            }
        }));
        command.Validators.Add(result =>
        {
            if (result.GetValue(Paths) is not { Length: > 0 })
                result.AddError("Name the files to look at.");
        });
        command.Subcommands.Add(CreateConvert());
        return command;
    }

    private static Command CreateConvert()
    {
        var command = new Command("convert", "Make disk images of one format of images of another.");
        command.Arguments.Add(Sources);
        foreach (var option in new Option[] { Target, Output, SourceFormat, Snapshot, Root, AllowExternalReference, Force })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            var format = WriteFormat.Named(run.Parsed.GetValue(Target)!);
            var sources = run.Parsed.GetValue(Sources)!;
            var target = run.Parsed.GetValue(Output);
            if (sources.Length > 1 && target is not null && !Directory.Exists(target))
                throw new IaaSException(ErrorKind.InvalidArgument, "OneFileForMany", "One file cannot be made of several images.", "Give --path a folder that is there, or leave it out.");
            foreach (var source in sources)
            {
                await run.TryAsync(async () =>
                {
                    var path = ImageConversion.TargetFor(Path.GetFullPath(source), target, format);
                    var request = new DiskConversionRequest { Path = path, Format = format, Force = run.Parsed.GetValue(Force) };
                    run.Output.Write(await ImageConversion.RunAsync(source, OptionsOf(run, SourceFormat), request, run.Notices, run.Cancellation), CoreJson.Default.ImageInfo);
                });
            }
        }));
        return command;
    }

    private static ImageFacts Wanted(CommandRun run) => (run.Parsed.GetValue(Digest) ? ImageFacts.Digest : 0)
        | (run.Parsed.GetValue(Checksum) ? ImageFacts.Checksum : 0) | (run.Parsed.GetValue(Check) ? ImageFacts.Faults : 0);

    private static DiskOpenOptions OptionsOf(CommandRun run, Option<string?> format) => new()
    {
        Format = run.Parsed.GetValue(format),
        Snapshot = run.Parsed.GetValue(Snapshot),
        Root = run.Parsed.GetValue(Root),
        ExternalReferences = run.Parsed.GetValue(AllowExternalReference) ?? [],
    };
}
