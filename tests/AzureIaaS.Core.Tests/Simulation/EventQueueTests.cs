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
                queue.Add(time, key);
                truth.Add((time, key));
                if (!step.Take)
                    continue;
                if (!queue.TryTake(out var first) || (first.Time, first.Key) != truth.Min)
                    return false;
                truth.Remove(truth.Min);
                now = first.Time;
            }

            while (queue.TryTake(out var first))
            {
                if ((first.Time, first.Key) != truth.Min)
                    return false;
                truth.Remove(truth.Min);
            }

            return truth.Count == 0 && queue.Count == 0;
        }).QuickCheckThrowOnFailure();

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
                Assert.False(next.IsBefore(last) && next.Time < last.Time);
                last = next;
            }
        }
    }
}
