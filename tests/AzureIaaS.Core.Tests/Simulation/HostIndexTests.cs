using AzureIaaS.Hosts;
using AzureIaaS.Simulation.Engine;

namespace AzureIaaS.Tests.Simulation;

public class HostIndexTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_index_finds_what_looking_at_every_host_finds(int seed)
    {
        var random = new Random(seed);
        (int Cpu, long Memory)[] sizes = [(1, 2), (4, 8), (2, 30)];
        var hosts = Enumerable.Range(0, 130).Select(_ => (Cpu: random.Next(8, 33), Memory: (long)random.Next(32, 129), FaultDomain: random.Next(3), UpdateDomain: random.Next(4))).ToList();
        var board = new HostBoard(hosts);
        var index = new HostIndex(board, sizes, new int[hosts.Count], hasSets: true);
        var placed = new List<(int Host, HostNeed Need)>();
        var found = 0;
        for (var step = 0; step < 6000; step++)
        {
            if (random.Next(40) == 0)
            {
                var host = random.Next(hosts.Count);
                board.SetUp(host, random.Next(3) > 0);
                index.Changed(host);
            }

            if (placed.Count > 0 && random.Next(5) < 2)
            {
                var (host, need) = placed[^1];
                placed.RemoveAt(placed.Count - 1);
                board.Take(host, need, -1);
                index.Changed(host);
            }

            var size = random.Next(sizes.Length);
            var wanted = new HostNeed(sizes[size].Cpu, sizes[size].Memory, random.Next(-1, 5));
            var chosen = index.Choose(size, wanted.Set, pool: 0);
            Assert.Equal(board.Choose(wanted), chosen);
            if (chosen < 0)
                continue;
            found++;
            board.Take(chosen, wanted, 1);
            if (random.Next(4) > 0)
                index.Taken(chosen);
            else
                index.Changed(chosen);
            placed.Insert(random.Next(placed.Count + 1), (chosen, wanted));
        }

        Assert.True(found > 1000);
    }
}
