namespace AzureIaaS.Benchmarks.Measuring;

/// <summary>A contestant: a name, and a piece of work whose duration counts.</summary>
/// <param name="Name">Its name.</param>
/// <param name="RunAsync">Does the work once and says how long it took.</param>
internal sealed record Contestant(string Name, Func<Task<TimeSpan>> RunAsync);

/// <summary>What a contest has shown.</summary>
/// <param name="Medians">The median of each contestant.</param>
/// <param name="IsDisturbed">Whether others used the machine during more than half of the runs.</param>
internal sealed record Times(IReadOnlyDictionary<string, TimeSpan> Medians, bool IsDisturbed)
{
    /// <summary>A contestant's median.</summary>
    /// <param name="name">Its name.</param>
    public TimeSpan this[string name] => Medians[name];
}

/// <summary>
/// Several ways of doing one thing, in alternation: each round every contestant once, every other round in the opposite order, so that nobody
/// always follows the same one. A first round counts for nothing. A run during which others used the machine is repeated, a few times.
/// </summary>
/// <param name="rounds">How many rounds count; a single one is a trial, for which nobody waits.</param>
/// <param name="countOthers">Whether the others' load can be told: not when the work is done by processes that are not this one's children.</param>
internal sealed class Contest(int rounds, bool countOthers = true)
{
    private const int MostRepeats = 2;

    private int _disturbed;

    /// <summary>Holds the contest.</summary>
    /// <param name="contestants">Who takes part.</param>
    /// <returns>The median of each.</returns>
    public async Task<Times> HoldAsync(params Contestant[] contestants)
    {
        var times = contestants.ToDictionary(c => c.Name, _ => new List<TimeSpan>());
        _disturbed = 0;
        foreach (var contestant in contestants)
            await contestant.RunAsync();
        for (var round = 0; round < rounds; round++)
        {
            foreach (var contestant in round % 2 == 0 ? contestants : contestants.Reverse())
                times[contestant.Name].Add(await MeasureAsync(contestant));
        }

        return new Times(times.ToDictionary(t => t.Key, t => Statistics.Median(t.Value)), 2 * _disturbed > rounds * contestants.Length);
    }

    private async Task<TimeSpan> MeasureAsync(Contestant contestant)
    {
        for (var attempt = 1; ; attempt++)
        {
            var isQuiet = rounds == 1 || await OtherLoad.WaitForQuietAsync();
            var mark = OtherLoad.Begin();
            var time = await contestant.RunAsync();
            isQuiet &= !countOthers || rounds == 1 || OtherLoad.IsQuiet(OtherLoad.Since(mark));
            if (!isQuiet && attempt < MostRepeats && OtherLoad.HasPatience)
                continue;
            _disturbed += isQuiet ? 0 : 1;
            return time;
        }
    }
}
