using AzureIaaS.Hosts;
using AzureIaaS.Simulation.Engine;

namespace AzureIaaS.Tests.Simulation;

public class HostIndexTests
{
    [Theory]
    [InlineData(1, false, true)]
    [InlineData(2, false, true)]
    [InlineData(3, false, false)]
    [InlineData(4, true, true)]
    [InlineData(5, true, false)]
    public void The_index_finds_what_looking_at_every_host_finds(int seed, bool areAlike, bool hasSets)
    {
        var random = new Random(seed);
        (int Cpu, long Memory)[] sizes = [(1, 3), (4, 9), (2, 30)];
        var hosts = Enumerable.Range(0, 130).Select(_ => (Cpu: random.Next(8, 33), Memory: areAlike ? 100 : (long)random.Next(32, 129), FaultDomain: random.Next(3), UpdateDomain: random.Next(4))).ToList();
        Check(hosts, sizes, hasSets, random);
    }

    [Theory]
    [InlineData(1, 5000, 8L << 30, 160L << 30)]
    [InlineData(2, 4200, 8L << 30, 161L << 30)]
    [InlineData(3, 300, 3L << 30, 160L << 30)]
    [InlineData(4, 300, 1, 5000)]
    [InlineData(5, 1, 7, 100)]
    public void So_it_does_where_all_hosts_and_machines_are_alike(int seed, int count, long size, long memory)
    {
        var hosts = Enumerable.Range(0, count).Select(_ => (Cpu: 40, Memory: memory, FaultDomain: 0, UpdateDomain: 0)).ToList();
        Check(hosts, [(2, size)], hasSets: false, new Random(seed));
    }

    private static void Check(List<(int Cpu, long Memory, int FaultDomain, int UpdateDomain)> hosts, (int Cpu, long Memory)[] sizes, bool hasSets, Random random)
    {
        var board = new HostBoard(hosts);
        var index = new HostIndex(board, sizes, new int[hosts.Count], hasSets);
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
            var wanted = new HostNeed(sizes[size].Cpu, sizes[size].Memory, hasSets ? random.Next(-1, 5) : -1);
            var chosen = index.Choose(size, wanted.Set, pool: 0);
            Assert.Equal(board.Choose(wanted), chosen);
            if (chosen < 0)
                continue;
            found++;
            if (index.IsAlike)
            {
                Assert.Equal(chosen, index.ChooseAlike(random.Next(1, 9), out var several));
                for (; several > 1; several--)
                {
                    board.Take(chosen, wanted, 1);
                    placed.Insert(random.Next(placed.Count + 1), (chosen, wanted));
                    Assert.Equal(chosen, board.Choose(wanted));
                }
            }

            board.Take(chosen, wanted, 1);
            index.Changed(chosen);
            placed.Insert(random.Next(placed.Count + 1), (chosen, wanted));
        }

        Assert.True(found > 500);
    }
}
