using AzureIaaS.Guests.FileSystems;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>Damaged file systems and hives, thousands of them: each is read or refused by a FileSystemException, soon, and without costing memory.</summary>
public class GuestMutationTests
{
    private const int Mutants = 2500;
    private const long MaxAllocated = 192 << 20;
    private static readonly TimeSpan MaxTime = TimeSpan.FromSeconds(5);

    private int _current;

    public static TheoryData<string> Names() => [.. GuestSpecimen.Names];

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public async Task DamageIsRefusedAndNothingElseHappens(string name)
    {
        using var folder = new TestFolder();
        var specimen = GuestSpecimen.Make(name, folder);
        var mutants = Mutants * Mutation.Times;
        var (read, refused) = await Watched(() => Count(mutants, seed =>
        {
            var random = new Random(seed);
            specimen.Damage(random);
            if (random.Next(4) != 0)
                specimen.Reseal();
            specimen.Work(specimen.Open(specimen.Length));
        }));

        // If everything were refused, or nothing, the damage would not be what it is meant to be.
        Assert.True(read > mutants / 20 && refused > mutants / 100, $"{read} were read and {refused} refused");
    }

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public async Task EveryTruncationIsRefusedOrRead(string name)
    {
        using var folder = new TestFolder();
        var specimen = GuestSpecimen.Make(name, folder);
        var lengths = Enumerable.Range(0, 9000).Select(i => (long)i).Concat(Enumerable.Range(1, 700).Select(i => specimen.Length * i / 701)).Where(l => l < specimen.Length).ToList();
        var (_, refused) = await Watched(() => Count(lengths.Count, i => specimen.Work(specimen.Open(lengths[i]))));
        Assert.True(refused > lengths.Count / 2, $"only {refused} of {lengths.Count} were refused");
    }

    /// <summary>Counts what is read and what is refused; anything but the expected failure ends the test.</summary>
    private (int Read, int Refused) Count(int count, Action<int> work)
    {
        var (read, refused) = (0, 0);
        for (var i = 0; i < count; i++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            try
            {
                work(i);
                read++;
            }
            catch (FileSystemException)
            {
                refused++;
            }
            catch (Exception e)
            {
                throw new InvalidOperationException($"number {i}: {e.GetType().Name} escaped", e);
            }

            var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            Assert.True(allocated < MaxAllocated, $"number {i} cost {allocated:N0} bytes");
            Interlocked.Increment(ref _current);
        }

        return (read, refused);
    }

    /// <summary>Runs work, and fails when one piece of it takes too long.</summary>
    private async Task<(int Read, int Refused)> Watched(Func<(int Read, int Refused)> work)
    {
        var worker = Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        while (!worker.IsCompleted)
        {
            var current = Volatile.Read(ref _current);
            await Task.WhenAny(worker, Task.Delay(MaxTime));
            Assert.True(worker.IsCompleted || current != Volatile.Read(ref _current), $"number {current} takes longer than {MaxTime}");
        }

        return await worker;
    }
}
