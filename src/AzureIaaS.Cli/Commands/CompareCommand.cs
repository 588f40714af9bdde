using System.CommandLine;
using System.Text.Json.Serialization;
using AzureIaaS.Reports;

namespace AzureIaaS.Cli.Commands;

internal static class CompareCommand
{
    private static readonly Argument<string> Former = new("former") { Description = "A file with the former report, as iaas failover or measure printed it." };
    private static readonly Argument<string> Later = new("later") { Description = "A file with the later report." };
    private static readonly Option<bool> IncludeEqual = new("--include-equal") { Description = "Show what is the same, too." };

    public static Command Create()
    {
        var command = new Command("compare", "Compare two reports of failovers, or two forecasts, item by item.");
        command.Arguments.Add(Former);
        command.Arguments.Add(Later);
        command.Options.Add(IncludeEqual);
        command.SetAction(CommandRun.Of(run =>
        {
            foreach (var item in ReportComparison.Compare(ReportInput.ReadFirst(run.Parsed.GetValue(Former)!), ReportInput.ReadFirst(run.Parsed.GetValue(Later)!)))
            {
                if (run.Parsed.GetValue(IncludeEqual) || item.Verdict != "Same")
                    run.Output.Write(item, DifferenceJson.Default.ReportDifference);
            }

            return Task.CompletedTask;
        }));
        return command;
    }
}

/// <summary>How a difference is written as JSON.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ReportDifference))]
internal sealed partial class DifferenceJson : JsonSerializerContext;
