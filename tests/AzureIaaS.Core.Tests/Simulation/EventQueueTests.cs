using AzureIaaS.Simulation.Engine;
using FsCheck;
using FsCheck.Fluent;

namespace AzureIaaS.Tests.Simulation;

public class EventQueueTests
{
    [Fact]
    public void Events_come_in_the_order_of_time_and_key_however_they_were_added() =>
        Prop.ForAll(ArbMap.Default.ArbFor<(byte Ahead, byte Scale, byte Key, bool Take)[]>(), steps =>
        {
            var queue = new EventQueue();
            var truth = new SortedSet<(long Time, ulong Key)>();
            long now = 0;
            var serial = 0UL;
            foreach (var step in steps.Concat(steps).Concat(steps))
            {
                // Times from the same moment to centuries ahead.
                var time = now + ((long)step.Ahead << (step.Scale % 44));
                var key = ((ulong)step.Key << 40) | serial++;
                // One in two is said to come in turn, whether or not it does.
                if (serial % 2 == 0)
                    queue.AddInTurn(time, key);
                else
                    queue.Add(time, key);
                truth.Add((time, key));
                if (!step.Take)
                    continue;
                if ((!queue.TryTakeInTurn(out var first) && !queue.TryTake(out first)) || (first.Time, first.Key) != truth.Min)
                    return false;
                truth.Remove(truth.Min);
                now = first.Time;
            }

            if (queue.Count != truth.Count || (truth.Count > 0 && queue.NextTime != truth.Min.Time))
                return false;
            while (queue.TryTake(out var first))
            {
                if ((first.Time, first.Key) != truth.Min)
                    return false;
                truth.Remove(truth.Min);
            }

            return truth.Count == 0 && queue.Count == 0;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void Pages_become_as_wide_as_events_are_dense_even_after_a_silence()
    {
        const int Pending = 5_000;
        var random = new Random(4);
        var queue = new EventQueue();
        // For ten hours nothing happens, then something each minute; in another run something each second at once.
        foreach (var (silence, apart) in new[] { (36_000_000_000L, 60e6), (0L, 1e6) })
        {
            var now = silence;
            long Later() => now + (long)(-Pending * apart * Math.Log(1 - random.NextDouble()));
            queue.Clear();   // what it has learnt stays
            while (queue.Count < Pending)
                queue.Add(Later(), (ulong)queue.Count);
            for (var i = 0; i < 200_000; i++)
            {
                Assert.True(queue.TryTake(out var next));
                now = next.Time;
                queue.Add(Later(), next.Key);
            }

            Assert.InRange(queue.Width / apart, 4, 64);
        }
    }

    [Fact]
    public void A_hundred_thousand_events_of_every_density_keep_their_order()
    {
        var random = new Random(3);
        var queue = new EventQueue();
        for (var round = 0; round < 3; round++)
        {
            queue.Clear();
            long now = 0;
            var pending = 0;
            var last = default(Event);
            for (var i = 0; i < 100_000; i++)
            {
                var ahead = random.Next(4) switch { 0 => 0L, 1 => random.NextInt64(1_000), 2 => random.NextInt64(1_000_000_000), _ => random.NextInt64(1_000_000_000_000_000) };
                queue.Add(now + ahead, (ulong)random.NextInt64(1 << 20));
                pending++;
                if (random.Next(10) < 4)
                    continue;
                Assert.True(queue.TryTake(out var next));
                pending--;
                Assert.False(next.Time < now);
                (last, now) = (next, next.Time);
            }

            Assert.Equal(pending, queue.Count);
            while (queue.TryTake(out var next))
            {
                Assert.False(next.Time < last.Time);
                last = next;
            }
        }
    }

    [Fact]
    public void A_crowd_at_one_moment_keeps_its_order_beside_what_is_added_meanwhile()
    {
        const int Crowd = 20_000;
        var random = new Random(5);
        var queue = new EventQueue();
        var truth = new SortedSet<(long Time, ulong Key)>();
        void Add(long time, ulong key)
        {
            if (truth.Add((time, key)))
                queue.Add(time, key);
        }

        for (var i = 0; i < Crowd; i++)
            Add(1_000_000, (ulong)random.NextInt64(1 << 40));
        while (queue.TryTake(out var first))
        {
            Assert.Equal(truth.Min, (first.Time, first.Key));
            truth.Remove(truth.Min);
            if (random.Next(3) == 0)
                Add(first.Time + random.Next(3), (ulong)random.NextInt64(1 << 40) + (1UL << 41));
        }

        Assert.Empty(truth);
    }

    [Fact]
    public void What_comes_in_turn_keeps_its_place_among_the_others()
    {
        const long Boot = 120_000_000;
        const ulong Failure = 1UL << 60;
        var random = new Random(11);
        var queue = new EventQueue();
        var truth = new SortedSet<(long Time, ulong Key)>();
        var (inTurn, serial) = (0, 0UL);
        void Fails(long from)
        {
            var next = (Time: from + random.NextInt64(10_000_000_000), Key: Failure | ++serial);
            truth.Add(next);
            queue.Add(next.Time, next.Key);
        }

        for (var host = 0; host < 200; host++)
            Fails(0);
        while (truth.Count > 0)
        {
            if (queue.TryTakeInTurn(out var first))
                inTurn++;
            else
                Assert.True(queue.TryTake(out first));
            Assert.Equal(truth.Min, (first.Time, first.Key));
            truth.Remove(truth.Min);
            if (first.Key < Failure || serial > 20_000)
                continue;
            // Those of the same moment have keys in any order, and are more than are put forward one by one.
            for (var starts = random.Next(20); starts > 0; starts--)
            {
                var next = (Time: first.Time + Boot, Key: ((ulong)random.Next(20) << 40) | ++serial);
                truth.Add(next);
                queue.AddInTurn(next.Time, next.Key);
            }

            Fails(first.Time);
        }

        Assert.False(queue.TryTake(out _));
        Assert.True(inTurn > 5_000, $"only {inTurn} came in turn");
    }

    [Fact]
    public void What_is_told_ahead_is_told_before_it_comes_and_first_of_the_page_after()
    {
        var told = new List<(string Who, ulong Key)>();
        var queue = new EventQueue(key => told.Add(("expected", key)), key => told.Add(("coming", key)));
        var random = new Random(7);
        for (var i = 0; i < 10_000; i++)
            queue.Add(random.NextInt64(5_000_000_000_000), (ulong)i);
        var taken = new HashSet<ulong>();
        while (queue.TryTake(out var next))
            taken.Add(next.Key);
        Assert.Equal(10_000, taken.Count);
        var expected = told.Where(t => t.Who == "expected").Select(t => t.Key).ToHashSet();
        var coming = told.Where(t => t.Who == "coming").Select(t => t.Key).ToHashSet();
        Assert.True(coming.Count > 7_500 && expected.Count > 7_500, $"only {expected.Count} and {coming.Count} of 10,000 were told");
        foreach (var key in coming.Intersect(expected).Take(200))
            Assert.True(told.IndexOf(("expected", key)) < told.IndexOf(("coming", key)));
    }
}
