using System.CommandLine;
using AzureIaaS.Reports;

namespace AzureIaaS.Cli.Commands;

internal static class ReportCommand
{
    private static readonly Argument<string> Target = new("file") { Description = "The file; its extension (.html, .md, .csv) says what it becomes." };
    private static readonly Option<ReportFormat?> Format = new("--format") { Description = "The form, where the extension does not say it." };
    private static readonly Option<bool> NoClobber = new("--no-clobber") { Description = "Keep a file that is there." };

    public static Command Create()
    {
        var command = new Command("report", "Write what a command printed as a page, Markdown or CSV: iaas measure ... | iaas report report.html.");
        command.Arguments.Add(Target);
        command.Options.Add(Format);
        command.Options.Add(NoClobber);
        command.SetAction(CommandRun.Of(run =>
        {
            var path = Path.GetFullPath(run.Parsed.GetValue(Target)!);
            var text = ReportFile.Render(ReportInput.ReadStandardInput(), run.Parsed.GetValue(Format) ?? ReportFile.FormatOf(path));
            ReportFile.Save(path, text, overwrite: !run.Parsed.GetValue(NoClobber));
            return Task.CompletedTask;
        }));
        return command;
    }
}
