using AzureIaaS.Guests.FileSystems;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>Damaged file systems and hives, thousands of them: each is read or refused by a FileSystemException, soon, and without costing memory.</summary>
public class GuestMutationTests
{
    private const int Mutants = 2500;
    private const long MaxAllocated = 192 << 20;

    public static TheoryData<string> Names() => [.. GuestSpecimen.Names];

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public async Task DamageIsRefusedAndNothingElseHappens(string name)
    {
        using var folder = new TestFolder();
        var specimen = GuestSpecimen.Make(name, folder);
        var mutants = Mutants * Mutation.Times;
        var (read, refused) = await Watched.RunAsync(watched => Count(watched, mutants, seed =>
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
        var (_, refused) = await Watched.RunAsync(watched => Count(watched, lengths.Count, i => specimen.Work(specimen.Open(lengths[i]))));
        Assert.True(refused > lengths.Count / 2, $"only {refused} of {lengths.Count} were refused");
    }

    /// <summary>Counts what is read and what is refused; anything but the expected failure ends the test.</summary>
    private static (int Read, int Refused) Count(Watched watched, int count, Action<int> work)
    {
        var (read, refused) = (0, 0);
        for (var i = 0; i < count; i++)
        {
            watched.Next($"number {i}");
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
        }

        return (read, refused);
    }
}
