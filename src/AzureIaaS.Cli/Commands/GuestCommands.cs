using System.CommandLine;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli.Commands;

internal static class GuestCommands
{
    public static Command Screenshot()
    {
        var vm = new Argument<string>("vm") { Description = "The machine's name or id." };
        var path = new Argument<string?>("file") { Description = "The PNG file to write; NAME.png when left out.", Arity = ArgumentArity.ZeroOrOne };
        var command = new Command("screenshot", "Take a picture of a guest's display.");
        command.Arguments.Add(vm);
        command.Arguments.Add(path);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var machine in await run.Session.ResolveAsync(run.Parsed.GetValue(vm)!, run.Cancellation))
            {
                var file = Path.GetFullPath(run.Parsed.GetValue(path) ?? machine.Name + ".png");
                await File.WriteAllBytesAsync(file, await run.Ability<IGuestProvider>("pictures of guests").ScreenshotAsync(machine.Id, run.Cancellation), run.Cancellation);
                Console.Out.WriteLine(file);
            }
        }));
        return command;
    }

    public static Command Run()
    {
        var vm = new Argument<string>("vm") { Description = "The machine's name or id, or a pattern." };
        var line = new Argument<string[]>("command") { Description = "The command, run by the guest's /bin/sh.", Arity = ArgumentArity.OneOrMore };
        var timeout = Shared.Timeout(300, "How long it may take.");
        var command = new Command("run", "Run a command in guests through their agents.");
        command.Arguments.Add(vm);
        command.Arguments.Add(line);
        command.Options.Add(timeout);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var machine in await run.Session.ResolveAsync(run.Parsed.GetValue(vm)!, run.Cancellation))
            {
                await run.TryAsync(async () => run.Output.Write(
                    await run.Ability<IGuestProvider>("commands in guests").RunCommandAsync(
                        machine.Id, "/bin/sh", ["-c", string.Join(' ', run.Parsed.GetValue(line)!)], TimeSpan.FromSeconds(run.Parsed.GetValue(timeout)), run.Cancellation),
                    CoreJson.Default.VmCommandResult));
            }
        }));
        return command;
    }
}
