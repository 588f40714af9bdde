using AzureIaaS.Simulation.Engine;

namespace AzureIaaS.Tests.Simulation;

public class HostMembersTests
{
    [Theory]
    [InlineData(3)]
    [InlineData(12)]
    [InlineData(40)]
    public void Lists_hold_what_sets_hold_however_long_they_grow_and_shrink(int each)
    {
        const int Hosts = 7;
        var random = new Random(each);
        var members = new HostMembers(Hosts, each);
        var truth = Enumerable.Range(0, Hosts).Select(_ => new SortedSet<int>()).ToArray();
        var longest = 0;
        for (var machine = 0; machine < 30_000; machine++)
        {
            // Each host fills up and is drained in turn, past its own room and back.
            var host = random.Next(Hosts);
            var grows = (machine / 400 % 2) == 0;
            if (truth[host].Count == 0 || random.Next(10) < (grows ? 8 : 2))
            {
                members.Add(host, machine);
                truth[host].Add(machine);
            }
            else
            {
                var gone = truth[host].ElementAt(random.Next(truth[host].Count));
                members.Remove(host, gone);
                truth[host].Remove(gone);
            }

            longest = Math.Max(longest, truth[host].Count);
            Assert.Equal(truth[host].Count, members[host].Length);
            if (machine % 37 == 0)
                Assert.Equal(truth[host], members.Sorted(host).ToArray());
            if (machine % 4_001 == 0)
            {
                members.Empty(host);
                truth[host].Clear();
            }
        }

        Assert.True(longest > 1.5 * each, $"no list was longer than {longest}");
        for (var host = 0; host < Hosts; host++)
            Assert.Equal(truth[host], members.Sorted(host).ToArray());
    }
}
