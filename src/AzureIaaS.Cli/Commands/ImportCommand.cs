using System.CommandLine;
using AzureIaaS.Imports;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Cli.Commands;

internal static class ImportCommand
{
    private static readonly Argument<string[]> Paths = Shared.Names("path", "The disk images to import.", ArgumentArity.OneOrMore);
    private static readonly Option<string?> From = new("--from") { Description = "The context whose machines are to be imported into this one; the names given are machines' then." };
    private static readonly Option<string?> Name = new("--name", "-n") { Description = "The machine's name; the file's base name when left out." };
    private static readonly Option<long?> Memory = Shared.Size("--memory", "The guest's memory, such as 512MB (default 1GB).");
    private static readonly Option<int?> Cpu = new("--cpu") { Description = "The number of virtual processors (default 1)." };
    private static readonly Option<string?> Size = new("--size") { Description = "In Azure: the size, such as Standard_D4s_v5; the smallest with its processors and memory when left out." };
    private static readonly Option<GuestOSType> OSType = new("--os-type") { Description = "In Azure: the operating system on the first disk." };
    private static readonly Option<string?> Zone = new("--zone") { Description = "In Azure: the availability zone." };
    private static readonly Option<Firmware> FirmwareOption = new("--firmware") { Description = "The firmware; the disk's partition table decides when left out." };
    private static readonly Option<DiskController> Controller = new("--controller") { Description = "The controller of its disks; what an untouched guest most likely boots from when left out." };
    private static readonly Option<string?> Format = new("--format") { Description = "The image's format, without looking: raw, vhdx, ..." };
    private static readonly Option<string?> SystemName = new("--system") { Description = "Which machine of a description with several, by its name or id there." };
    private static readonly Option<string?> Root = new("--root") { Description = "The folder that no file an image refers to may leave." };
    private static readonly Option<string[]> AllowExternalReference = Shared.AllowExternalReference();
    private static readonly Option<string?> Snapshot = Shared.Snapshot();
    private static readonly Option<string?> AvailabilitySet = new("--availability-set") { Description = "The availability set it is to belong to: machines that do the same, and are kept apart." };
    private static readonly Option<int?> StartOrder = new("--start-order") { Description = "When it comes back after the loss of a host: smaller numbers first." };
    private static readonly Option<bool> Linked = new("--linked") { Description = "Run on the image at once; it is copied in the background, and needed until then." };
    private static readonly Option<bool> Stage = new("--stage") { Description = "Only copy what has changed, while the source still runs; iaas complete makes the machine." };
    private static readonly Option<bool> SkipDigest = new("--skip-digest") { Description = "Do not compute the content's digest; such an import cannot be resumed where it was." };
    private static readonly Option<bool> WhatIf = Shared.WhatIf();

    public static Command Create()
    {
        var command = new Command("import", "Import machines from disk images. The images are only read; an import that was cut off goes on when it is repeated.");
        command.Arguments.Add(Paths);
        foreach (var option in new Option[] { From, Name, Memory, Cpu, Size, OSType, Zone, FirmwareOption, Controller, Format, SystemName, Root, AllowExternalReference, Snapshot, AvailabilitySet, StartOrder, Linked, Stage, SkipDigest, WhatIf })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(RunAsync));
        return command;
    }

    /// <summary>The command that completes what was staged.</summary>
    public static Command CreateComplete()
    {
        var names = Shared.Names("name", "The names that the machines will have.", ArgumentArity.OneOrMore);
        var command = new Command("complete", "Make machines of staged imports: copy what has changed since, and publish.");
        var sourceLost = new Option<bool>("--source-lost") { Description = "The source is lost: make the machine as the last whole pass has left it." };
        command.Arguments.Add(names);
        command.Options.Add(sourceLost);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var name in run.Parsed.GetValue(names)!)
            {
                await run.TryAsync(async () => run.Output.Write(run.Session.Mark(run.Parsed.GetValue(sourceLost)
                    ? await run.Session.Imports.CompleteLostAsync(name, run.Notices, run.Cancellation)
                    : await run.Session.Imports.CompleteAsync(run.Session.Imports.FindStaged(name), run.Notices, run.Cancellation)), CoreJson.Default.VirtualMachine));
            }
        }));
        return command;
    }

    private static async Task RunAsync(CommandRun run)
    {
        if (run.Parsed.GetValue(Stage) && run.Parsed.GetValue(Linked))
            throw new IaaSException(ErrorKind.InvalidArgument, "StageOrLinked", "--stage waits with the machine until all is copied, and --linked does not.", "Give one of the two.");
        var paths = run.Parsed.GetValue(Paths)!;
        if (paths.Length > 1 && run.Parsed.GetValue(Name) is not null)
            throw new IaaSException(ErrorKind.InvalidArgument, "OneNameForMany", "One name cannot be given to several machines.", "Leave --name out, or import one image at a time.");
        if (run.Parsed.GetValue(From) is { } from)
        {
            using var source = CommandRun.Open(new ContextStore().Get(from));
            foreach (var name in paths)
                await run.TryAsync(() => ImportFromAsync(run, source, name));
            return;
        }

        foreach (var path in paths)
            await run.TryAsync(() => ImportAsync(run, path));
    }

    private static async Task ImportFromAsync(CommandRun run, IaaSSession source, string name)
    {
        var lender = source.Provider as IDiskLender
            ?? throw new IaaSException(ErrorKind.NotSupported, "NotSupportedHere", $"Context '{source.Context.Name}' ({source.Provider.Name}) does not lend disks.", "Export the machine there, then import what that makes.", name);
        foreach (var machine in await source.ResolveAsync(name, run.Cancellation))
        {
            await lender.LendDisksAsync(machine.Id, async lent =>
            {
                var imported = await run.Session.Imports.ImportAsync(MachineInput.For(lent, RequestFor(run, lent.Disks[0].Path)), run.Notices, run.Cancellation);
                run.Output.Write(run.Session.Mark(imported), CoreJson.Default.VirtualMachine);
            }, run.Cancellation);
        }
    }

    private static async Task ImportAsync(CommandRun run, string path)
    {
        var request = RequestFor(run, path);
        if (run.Parsed.GetValue(WhatIf))
        {
            var (_, plan) = await run.Session.Imports.PlanAsync(request, run.Cancellation);
            foreach (var warning in plan.Warnings)
                run.Notices.Report(Notice.Warning(warning));
            run.Notices.Report(Notice.Warning("What if: " + plan.Describe()));
            return;
        }

        if (run.Parsed.GetValue(Stage))
        {
            run.Output.Write(await run.Session.Imports.StageAsync(request, run.Notices, run.Cancellation), CoreJson.Default.StagedPass);
            return;
        }

        var machine = await run.Session.Imports.ImportAsync(request, run.Notices, run.Cancellation);
        run.Output.Write(run.Session.Mark(machine), CoreJson.Default.VirtualMachine);
    }

    private static ImportRequest RequestFor(CommandRun run, string path) => new()
    {
        Path = path,
        Name = run.Parsed.GetValue(Name),
        Memory = run.Parsed.GetValue(Memory),
        Cpu = run.Parsed.GetValue(Cpu),
        Size = run.Parsed.GetValue(Size),
        OSType = run.Parsed.GetValue(OSType),
        Zone = run.Parsed.GetValue(Zone),
        Firmware = run.Parsed.GetValue(FirmwareOption),
        Controller = run.Parsed.GetValue(Controller),
        Format = run.Parsed.GetValue(Format),
        System = run.Parsed.GetValue(SystemName),
        Root = run.Parsed.GetValue(Root),
        ExternalReferences = run.Parsed.GetValue(AllowExternalReference) ?? [],
        Snapshot = run.Parsed.GetValue(Snapshot),
        AvailabilitySet = run.Parsed.GetValue(AvailabilitySet),
        StartOrder = run.Parsed.GetValue(StartOrder),
        Linked = run.Parsed.GetValue(Linked),
        SkipDigest = run.Parsed.GetValue(SkipDigest),
    };
}
