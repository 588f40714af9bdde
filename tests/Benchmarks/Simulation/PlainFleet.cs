namespace AzureIaaS.Benchmarks.Simulation;

/// <summary>The same model as one would write it in an afternoon: objects, and a priority queue of actions.</summary>
internal sealed class PlainFleet
{
    private const double Hour = 1;
    private const double Mtbf = 8760 * Hour;
    private const double Repair = 6 * Hour;
    private const double Detection = 120.0 / 3600;
    private const double Boot = 120.0 / 3600;
    private const int Slots = 4;

    private readonly PriorityQueue<Action, double> _events = new();
    private readonly SortedSet<Host> _byLoad = new(Comparer<Host>.Create((a, b) => a.Count != b.Count ? a.Count.CompareTo(b.Count) : a.Id.CompareTo(b.Id)));
    private readonly Random _random;
    private double _now;
    private double _downHours;

    private PlainFleet(int hosts, int machines, int seed)
    {
        _random = new Random(seed);
        var all = Enumerable.Range(0, hosts).Select(i => new Host { Id = i }).ToList();
        for (var i = 0; i < machines; i++)
        {
            var machine = new Machine { Host = all[i % hosts] };
            machine.Host.Machines.Add(machine);
        }

        foreach (var host in all)
        {
            _byLoad.Add(host);
            Later(Exponential(Mtbf), () => Fail(host));
        }
    }

    /// <summary>Runs the model.</summary>
    /// <returns>Events a second of processor time.</returns>
    public static double Run(int hosts, int machines, double years, int seed)
    {
        var fleet = new PlainFleet(hosts, machines, seed);
        var begun = ForecastVerb.Processor();
        long events = 0;
        while (fleet._events.TryDequeue(out var action, out var time) && time <= years * 8760)
        {
            fleet._now = time;
            action();
            events++;
        }

        var rate = events / (ForecastVerb.Processor() - begun).TotalSeconds;
        return fleet._downHours > 0 ? rate : throw new InvalidOperationException("Nothing was down in all the years.");
    }

    private void Later(double after, Action action) => _events.Enqueue(action, _now + after);

    private double Exponential(double mean) => -mean * Math.Log(1 - _random.NextDouble());

    private void Fail(Host host)
    {
        _byLoad.Remove(host);
        host.IsUp = false;
        foreach (var machine in host.Machines)
        {
            if (machine.IsUp)
                machine.DownSince = _now;
            machine.IsUp = false;
            machine.Round++;
        }

        (host.Starting, host.Waiting) = (0, new Queue<Machine>());
        Later(Detection, () => Heal(host));
        Later(Exponential(Repair), () =>
        {
            host.IsUp = true;
            _byLoad.Add(host);
            Later(Exponential(Mtbf), () => Fail(host));
        });
    }

    private void Heal(Host host)
    {
        if (host.IsUp)
            return;
        var lost = host.Machines;
        host.Machines = [];
        foreach (var machine in lost)
        {
            var target = _byLoad.Min!;
            _byLoad.Remove(target);
            target.Machines.Add(machine);
            _byLoad.Add(target);
            machine.Host = target;
            if (target.Starting < Slots)
                Start(machine);
            else
                target.Waiting.Enqueue(machine);
        }
    }

    private void Start(Machine machine)
    {
        var (host, round) = (machine.Host, machine.Round);
        host.Starting++;
        Later(Boot, () =>
        {
            if (machine.Round != round)
                return;
            host.Starting--;
            machine.IsUp = true;
            _downHours += _now - machine.DownSince;
            if (host.Waiting.TryDequeue(out var next))
                Start(next);
        });
    }

    private sealed class Host
    {
        public int Id;
        public bool IsUp = true;
        public int Starting;
        public List<Machine> Machines = [];
        public Queue<Machine> Waiting = new();

        public int Count => Machines.Count;
    }

    private sealed class Machine
    {
        public required Host Host;
        public bool IsUp = true;
        public double DownSince;
        public int Round;
    }
}
