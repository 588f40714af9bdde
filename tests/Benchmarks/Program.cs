namespace AzureIaaS.Benchmarks;

/// <summary>Benchmarks: ratios to peers in the same run. A target that is missed is marked in the table; it is no failure.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is [CopyVerb.Name, .. var copy])
        {
            await CopyVerb.RunAsync(copy);
            return 0;
        }

        if (BenchArguments.Parse(arguments) is not { } asked)
        {
            await Console.Error.WriteLineAsync(BenchArguments.Usage);
            return arguments is ["--help" or "-h"] ? 0 : 2;
        }

        Directory.CreateDirectory(asked.Workshop.Folder);
        var rows = new List<Row>();
        foreach (var benchmark in asked.Benchmarks)
            rows.AddRange(await benchmark.RunAsync(asked.Workshop));
        var table = Table.Of(rows);
        Console.Write(table);
        if (asked.Write)
            await PerformanceDocument.WriteAsync(asked, table);
        return 0;
    }
}
