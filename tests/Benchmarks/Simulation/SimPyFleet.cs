using System.Globalization;
using AzureIaaS.Benchmarks.Measuring;

namespace AzureIaaS.Benchmarks.Simulation;

/// <summary>
/// The same model in SimPy (Debian's python3-simpy3), as its manual would have it written: a process for each host and each start. SimPy takes several
/// things from its queue for each event of the model; the model's are counted, so that rates are of the same work.
/// </summary>
internal static class SimPyFleet
{
    public const string Program = """
        import heapq, random, sys, time
        import simpy

        hosts, machines, years, seed = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])
        MTBF, REPAIR, DETECTION, BOOT, SLOTS = 8760.0, 6.0, 120 / 3600, 120 / 3600, 4
        rng = random.Random(seed)
        env = simpy.Environment()
        slots = [simpy.Resource(env, SLOTS) for _ in range(hosts)]
        up = [True] * hosts
        members = [[] for _ in range(hosts)]
        for m in range(machines):
            members[m % hosts].append(m)
        loads = [(len(members[h]), h) for h in range(hosts)]
        heapq.heapify(loads)
        down, events = 0.0, 0

        def emptiest():
            while True:
                load, h = loads[0]
                if up[h] and load == len(members[h]):
                    return h
                heapq.heappop(loads)
                if up[h]:
                    heapq.heappush(loads, (len(members[h]), h))

        def start(h, since):
            global down, events
            with slots[h].request() as slot:
                yield slot
                yield env.timeout(BOOT)
            down += env.now - since
            events += 1

        def heal(h, since):
            global events
            yield env.timeout(DETECTION)
            events += 1
            if up[h]:
                return
            lost, members[h] = members[h], []
            for m in lost:
                target = emptiest()
                members[target].append(m)
                heapq.heapreplace(loads, (len(members[target]), target))
                env.process(start(target, since))

        def host(h):
            global events
            while True:
                yield env.timeout(rng.expovariate(1 / MTBF))
                events += 2   # its repair too
                up[h] = False
                env.process(heal(h, env.now))
                yield env.timeout(rng.expovariate(1 / REPAIR))
                up[h] = True
                heapq.heappush(loads, (len(members[h]), h))

        for h in range(hosts):
            env.process(host(h))
        begun = time.process_time()
        env.run(until=years * 8760)
        assert down > 0
        print(events / (time.process_time() - begun))
        """;

    public static bool Exists => Directory.Exists("/usr/lib/python3/dist-packages/simpy");

    /// <summary>Runs the model.</summary>
    /// <returns>Events of the model a second of processor time.</returns>
    public static async Task<double> RunAsync(string script, int hosts, int machines, double years, int seed)
    {
        string[] line = ["/usr/bin/python3", script, $"{hosts}", $"{machines}", years.ToString(CultureInfo.InvariantCulture), $"{seed}"];
        return double.Parse((await WholeProcess.RunAsync(line)).Output, CultureInfo.InvariantCulture);
    }
}
