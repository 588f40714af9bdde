using System.CommandLine;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli.Commands;

internal static class GuestCommands
{
    public static Command Screenshot()
    {
        var path = new Argument<string?>("path") { Description = "The PNG file to write, or the folder to write NAME.png into; the current folder when left out.", Arity = ArgumentArity.ZeroOrOne };
        var written = new HashSet<string>();
        return VmCommand.Create("screenshot", "Take a picture of a guest's display; prints the file's path.", [VmCommand.Vm(), path], [], async (run, machine) =>
        {
            var file = Path.GetFullPath(run.Parsed.GetValue(path) ?? ".");
            if (Directory.Exists(file))
                file = Path.Combine(file, machine.Name + ".png");
            if (!written.Add(file))
                throw new IaaSException(ErrorKind.InvalidArgument, "SeveralPicturesOneFile", $"{file} has just been written, for another machine.", "Give a folder; each machine's picture is then named after it.", machine.Name);
            await File.WriteAllBytesAsync(file, await run.Ability<IGuestProvider>("pictures of guests").ScreenshotAsync(machine.Id, run.Cancellation), run.Cancellation);
            Console.Out.WriteLine(file);
        });
    }

    public static Command Run()
    {
        var line = new Argument<string[]>("command") { Description = "The command, run by the guest's /bin/sh. Put -- before it when it has options.", Arity = ArgumentArity.OneOrMore };
        var timeout = Shared.Timeout(300, "How long it may take.");
        return VmCommand.Create("run", "Run a command in guests through their agents; what it wrote and its exit code are printed.", [VmCommand.Vm(), line], [timeout], async (run, machine) => run.Output.Write(
            await run.Ability<IGuestProvider>("commands in guests").RunCommandAsync(
                machine.Id, "/bin/sh", ["-c", string.Join(' ', run.Parsed.GetValue(line)!)], TimeSpan.FromSeconds(run.Parsed.GetValue(timeout)), run.Cancellation),
            CoreJson.Default.VmCommandResult));
    }
}
