using AzureIaaS.Hosts;

namespace AzureIaaS.Tests.Hosts;

public class PlacementMapTests
{
    private const long GiB = 1L << 30;

    [Fact]
    public void TheEmptiestHostIsTakenAndTheReasonSaysSo()
    {
        var map = new PlacementMap(Hosts(3), [Machine("a", host: "host1"), Machine("b", host: "host2", memory: 2 * GiB)]);
        var placement = map.Choose(Need("c"));
        Assert.Equal("host3", placement.Host);
        Assert.Contains("16 of 16 CPU", placement.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void AnAvailabilitySetIsSpreadOverFaultDomainsFirst()
    {
        var map = new PlacementMap(Hosts(6, faultDomains: 3), []);
        var chosen = Enumerable.Range(0, 6).Select(i => Place(map, Need($"vm{i}", set: "sp-web"))).ToList();
        Assert.Equal([0, 1, 2], chosen.Take(3).Select(FaultDomainOf).Order());
        Assert.Equal([2, 2, 2], chosen.GroupBy(FaultDomainOf).Select(g => g.Count()));
        Assert.Equal(6, chosen.Distinct().Count());
    }

    [Fact]
    public void TheSixthOfFiveUpdateDomainsSharesTheFirsts()
    {
        var hosts = Enumerable.Range(0, 5).Select(i => Host($"host{i + 1}", fault: 0, update: i)).ToList();
        var map = new PlacementMap(hosts, []);
        var chosen = Enumerable.Range(0, 6).Select(i => Place(map, Need($"vm{i}", set: "set"))).ToList();
        Assert.Equal(["host1", "host2", "host3", "host4", "host5", "host1"], chosen);
    }

    [Fact]
    public void SetsAreTheSameInAnyCaseOfLetters()
    {
        var map = new PlacementMap(Hosts(2, faultDomains: 2), []);
        Assert.NotEqual(FaultDomainOf(Place(map, Need("a", set: "Web"))), FaultDomainOf(Place(map, Need("b", set: "WEB"))));
    }

    [Fact]
    public void NothingIsOvercommittedUnlessAsked()
    {
        var map = new PlacementMap(Hosts(1), [Machine("a", host: "host1", memory: 60 * GiB)]);
        var refused = map.Choose(Need("b", memory: 5 * GiB));
        Assert.Null(refused.Host);
        Assert.Contains("host1: 4 GB of 64 GB are free", refused.Reason, StringComparison.Ordinal);
        Assert.Equal("host1", map.Choose(Need("b", memory: 5 * GiB) with { Overcommit = true }).Host);
        Assert.Contains("CPU are free", map.Choose(Need("c", cpu: 17)).Reason, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(HostState.Draining)]
    [InlineData(HostState.Down)]
    public void AHostThatIsNotUpTakesNothing(HostState state)
    {
        var hosts = Hosts(2);
        hosts[0].State = state;
        Assert.Equal("host2", new PlacementMap(hosts, []).Choose(Need("a")).Host);
        hosts[1].State = state;
        Assert.Contains($"it is {state}", new PlacementMap(hosts, []).Choose(Need("a")).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void TheHostToBeLeftIsNotTaken() => Assert.Equal("host2", new PlacementMap(Hosts(2), []).Choose(Need("a") with { Avoid = "HOST1" }).Host);

    [Fact]
    public void AHostThatWasAskedForIsTakenOrNone()
    {
        var map = new PlacementMap(Hosts(3), [Machine("a", host: "host2", cpu: 16)]);
        Assert.Equal("host3", map.Choose(Need("b") with { Only = "host3" }).Host);
        Assert.Null(map.Choose(Need("b") with { Only = "host2" }).Host);
        Assert.Contains("no host 'nope'", map.Choose(Need("b") with { Only = "nope" }).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void AMachinesOwnPlaceDoesNotCountAgainstIt()
    {
        var a = Machine("a", host: "host1", cpu: 16, memory: 64 * GiB);
        var map = new PlacementMap(Hosts(1), [a]);
        Assert.Equal("host1", map.Choose(PlacementNeed.Of(a)).Host);
    }

    [Fact]
    public void APlaceThatIsGivenBackIsFree()
    {
        var a = Machine("a", host: "host1", cpu: 16);
        var map = new PlacementMap(Hosts(1), [a]);
        Assert.Null(map.Choose(Need("b")).Host);
        map.Release(a.Id);
        Assert.Equal("host1", map.Choose(Need("b")).Host);
        Assert.Equal((0, 0L), map.Used("host1"));
    }

    [Fact]
    public void WhateverHappensNoHostHoldsMoreThanItOffers()
    {
        var random = new Random(4);
        var map = new PlacementMap(Hosts(5, faultDomains: 3), []);
        var placed = new Dictionary<Guid, string>();
        var needs = new Dictionary<Guid, PlacementNeed>();
        for (var i = 0; i < 3000; i++)
        {
            if (placed.Count > 0 && random.Next(3) == 0)
            {
                var gone = placed.Keys.ElementAt(random.Next(placed.Count));
                map.Release(gone);
                placed.Remove(gone);
            }

            var need = Need($"vm{i}", random.Next(1, 5), random.Next(1, 20) * GiB, random.Next(2) == 0 ? "set" : null);
            if (map.Choose(need).Host is { } host)
            {
                map.Reserve(need, host);
                (placed[need.Id], needs[need.Id]) = (host, need);
            }

            foreach (var group in placed.GroupBy(p => p.Value))
            {
                var (cpu, memory) = (group.Sum(p => needs[p.Key].Cpu), group.Sum(p => needs[p.Key].Memory));
                Assert.True(cpu <= 16 && memory <= 64 * GiB);
                Assert.Equal((cpu, memory), map.Used(group.Key));
            }
        }
    }

    private static string Place(PlacementMap map, PlacementNeed need)
    {
        var host = map.Choose(need).Host!;
        map.Reserve(need, host);
        return host;
    }

    private static int FaultDomainOf(string host) => (int.Parse(host[4..], System.Globalization.CultureInfo.InvariantCulture) - 1) % 3;

    private static List<FabricHost> Hosts(int count, int faultDomains = 3) =>
        [.. Enumerable.Range(0, count).Select(i => Host($"host{i + 1}", i % faultDomains, i))];

    private static FabricHost Host(string name, int fault, int update) => new() { Name = name, FaultDomain = fault, UpdateDomain = update, Cpu = 16, Memory = 64 * GiB };

    private static PlacementNeed Need(string name, int cpu = 1, long memory = GiB, string? set = null) => new(Guid.NewGuid(), name, cpu, memory) { AvailabilitySet = set };

    private static VirtualMachine Machine(string name, string host, int cpu = 1, long memory = GiB) =>
        new() { Id = Guid.NewGuid(), Name = name, Cpu = cpu, Memory = memory, Host = host };
}
