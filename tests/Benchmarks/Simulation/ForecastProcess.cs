using System.Diagnostics;
using System.Globalization;

namespace AzureIaaS.Benchmarks.Simulation;

/// <summary>The process of <see cref="ForecastVerb"/>.</summary>
internal sealed class ForecastProcess : IDisposable
{
    private readonly Process _process;

    /// <summary>Starts it.</summary>
    public ForecastProcess()
    {
        var start = new ProcessStartInfo(Workshop.Myself[0], [.. Workshop.Myself.Skip(1), ForecastVerb.Name]) { RedirectStandardInput = true, RedirectStandardOutput = true };
        start.Environment["DOTNET_TieredPGO"] = "1";   // the runtime's default, and PowerShell's
        _process = Process.Start(start)!;
    }

    /// <summary>Has it forecast.</summary>
    /// <param name="asked">What.</param>
    /// <returns>Its events a second.</returns>
    /// <exception cref="InvalidOperationException">It has failed.</exception>
    public async Task<double> RateAsync(Forecast asked)
    {
        await _process.StandardInput.WriteLineAsync(asked.ToLine());
        await _process.StandardInput.FlushAsync();
        return await _process.StandardOutput.ReadLineAsync() is { } answer
            ? double.Parse(answer, CultureInfo.InvariantCulture)
            : throw new InvalidOperationException($"The process of forecasts ended at: {asked.ToLine()}");
    }

    public void Dispose()
    {
        _process.StandardInput.Close();   // it ends by that
        _process.Dispose();
    }
}
