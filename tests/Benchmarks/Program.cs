using AzureIaaS.Benchmarks.Simulation;

namespace AzureIaaS.Benchmarks;

/// <summary>Benchmarks: ratios to peers in the same run. A target that is missed is marked in the table; it is no failure.</summary>
internal static class Program
{
    private const int Stopped = 130;

    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is [CopyVerb.Name, .. var copy])
        {
            await CopyVerb.RunAsync(copy);
            return 0;
        }

        if (arguments is [ConvertVerb.Name, .. var convert])
        {
            await ConvertVerb.RunAsync(convert);
            return 0;
        }

        if (arguments is [ForecastVerb.Name])
        {
            ForecastVerb.Run();
            return 0;
        }

        if (BenchArguments.Parse(arguments) is not { } asked)
        {
            await Console.Error.WriteLineAsync(BenchArguments.Usage);
            return arguments is ["--help" or "-h"] ? 0 : 2;
        }

        Directory.CreateDirectory(asked.Workshop.Folder);
        var rows = new List<Row>();
        var failed = 0;
        foreach (var benchmark in asked.Benchmarks)
        {
            try
            {
                var measured = await benchmark.RunAsync(asked.Workshop);
                foreach (var row in measured)
                    Workshop.Say($"{row.What}: {row.Result} {row.Verdict}".TrimEnd());
                rows.AddRange(measured);
            }
            catch (OperationCanceledException)
            {
                Workshop.Say($"{benchmark.Name} was stopped");
                return Stopped;
            }
            catch (Exception e) when (e is InvalidOperationException or IaaSException or IOException or TimeoutException)
            {
                // What the others measured is not lost.
                Workshop.Say($"{benchmark.Name} failed: {e}");
                failed++;
            }
        }

        var table = Table.Of(rows);
        Console.Write(table);
        if (asked.Write && failed == 0)
            await PerformanceDocument.WriteAsync(asked, table);
        return failed == 0 ? 0 : 1;
    }
}
