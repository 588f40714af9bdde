namespace AzureIaaS.Simulation;

/// <summary>
/// What theory says, where it applies: the first answer before a simulation, and what simulations are tested against. Rates are per unit of time,
/// in whatever unit is used throughout; availabilities and chances are from 0 to 1. Each takes well under a millisecond.
/// </summary>
public static class ClosedForm
{
    /// <summary>The availability of something that fails and is repaired in turn; for any laws with these means.</summary>
    /// <param name="up">The mean time to failure.</param>
    /// <param name="down">The mean time to repair.</param>
    public static double Availability(double up, double down) => double.IsPositiveInfinity(up) ? 1 : up / (up + down);

    /// <summary>The availability of k of n independent things.</summary>
    /// <param name="k">How many are needed.</param>
    /// <param name="n">How many there are.</param>
    /// <param name="availability">The availability of each.</param>
    public static double KOfN(int k, int n, double availability)
    {
        CheckKOfN(k, n);
        if (availability is 0 or 1)
            return availability;
        // From the likeliest term outwards nothing under- or overflows that matters.
        double sum = 0;
        for (var i = k; i <= n; i++)
            sum += Math.Exp(LogChoose(n, i) + (i * Math.Log(availability)) + ((n - i) * Math.Log(1 - availability)));
        return Math.Min(1, sum);
    }

    /// <summary>How many of n are down, with a number of repair crews: the machine repairman, a birth-death process.</summary>
    /// <param name="n">How many there are.</param>
    /// <param name="crews">How many are repaired at once.</param>
    /// <param name="failure">The failure rate of each.</param>
    /// <param name="repair">The rate of a repair.</param>
    /// <returns>The chance of 0 to n being down.</returns>
    public static IReadOnlyList<double> BirthDeath(int n, int crews, double failure, double repair)
    {
        var log = new double[n + 1];
        for (var down = 0; down < n; down++)
            log[down + 1] = log[down] + Math.Log((n - down) * failure / (Math.Min(down + 1, crews) * repair));
        var most = log.Max();
        var sum = log.Sum(l => Math.Exp(l - most));
        return [.. log.Select(l => Math.Exp(l - most) / sum)];
    }

    /// <summary>The availability of k of n with a number of repair crews.</summary>
    /// <param name="k">How many are needed.</param>
    /// <param name="n">How many there are.</param>
    /// <param name="crews">How many are repaired at once.</param>
    /// <param name="failure">The failure rate of each.</param>
    /// <param name="repair">The rate of a repair.</param>
    public static double Availability(int k, int n, int crews, double failure, double repair)
    {
        CheckKOfN(k, n);
        return BirthDeath(n, crews, failure, repair).Take(n - k + 1).Sum();
    }

    /// <summary>The mean time from all up until fewer than k of n are.</summary>
    /// <param name="k">How many are needed.</param>
    /// <param name="n">How many there are.</param>
    /// <param name="crews">How many are repaired at once.</param>
    /// <param name="failure">The failure rate of each.</param>
    /// <param name="repair">The rate of a repair.</param>
    public static double MeanTimeToFailure(int k, int n, int crews, double failure, double repair)
    {
        CheckKOfN(k, n);
        double total = 0;
        double step = 0;   // from i down to i + 1 down
        for (var down = 0; down <= n - k; down++)
        {
            var rate = (n - down) * failure;
            step = (1 / rate) + (Math.Min(down, crews) * repair / rate * step);
            total += step;
        }

        return total;
    }

    /// <summary>Erlang's B: the chance that all servers are busy when nobody waits.</summary>
    /// <param name="servers">How many there are.</param>
    /// <param name="load">The offered load in erlangs.</param>
    public static double ErlangB(int servers, double load)
    {
        double blocked = 1;
        for (var i = 1; i <= servers; i++)
            blocked = load * blocked / (i + (load * blocked));
        return blocked;
    }

    /// <summary>Erlang's C: the chance to wait in a queue of M/M/c.</summary>
    /// <param name="servers">How many serve.</param>
    /// <param name="load">The offered load in erlangs, below the number of servers.</param>
    public static double ErlangC(int servers, double load)
    {
        if (load >= servers)
            throw new ArgumentOutOfRangeException(nameof(load), load, "A queue whose load is not below its servers grows without end.");
        var blocked = ErlangB(servers, load);
        return blocked / (1 - (load / servers * (1 - blocked)));
    }

    /// <summary>The mean wait in a queue of M/M/c.</summary>
    /// <param name="servers">How many serve.</param>
    /// <param name="load">The offered load in erlangs, below the number of servers.</param>
    /// <param name="service">The mean time of a service.</param>
    public static double MeanWait(int servers, double load, double service) => ErlangC(servers, load) * service / (servers - load);

    /// <summary>When the i-th machine of a lost host is back: starts in waves of as many as there are slots.</summary>
    /// <param name="position">The machine's place in the order, from 1.</param>
    /// <param name="slots">How many start at once.</param>
    /// <param name="start">The time of a start.</param>
    /// <param name="detection">The time until the loss is noticed.</param>
    public static double BootStorm(int position, int slots, double start, double detection) => detection + (start * ((position + slots - 1) / slots));

    /// <summary>The mean time until a machine of a lost host is back.</summary>
    /// <param name="machines">How many machines the host had.</param>
    /// <param name="slots">How many start at once.</param>
    /// <param name="start">The time of a start.</param>
    /// <param name="detection">The time until the loss is noticed.</param>
    public static double MeanBootStorm(int machines, int slots, double start, double detection) =>
        Enumerable.Range(1, machines).Average(i => BootStorm(i, slots, start, detection));

    /// <summary>The unavailability of a pair when a share of failures takes both: the beta factor model in its usual approximation.</summary>
    /// <param name="unavailability">The unavailability of each.</param>
    /// <param name="beta">The share of failures that are common.</param>
    public static double CommonCausePair(double unavailability, double beta) => (beta * unavailability) + Math.Pow((1 - beta) * unavailability, 2);

    /// <summary>The unavailability of a pair with common causes, exactly: own and common failures are repaired independently of each other.</summary>
    /// <param name="failure">The failure rate of each, common causes included.</param>
    /// <param name="repair">The rate of a repair.</param>
    /// <param name="beta">The share of failures that are common.</param>
    public static double CommonCausePair(double failure, double repair, double beta)
    {
        var common = beta * failure / ((beta * failure) + repair);
        var own = (1 - beta) * failure / (((1 - beta) * failure) + repair);
        return common + ((1 - common) * own * own);
    }

    /// <summary>The work lost by going on with a replica: its mean and its most.</summary>
    /// <param name="period">The time from one recovery point to the next.</param>
    /// <param name="lag">The time that a recovery point needs to arrive.</param>
    public static (double Mean, double Most) RecoveryPoint(double period, double lag) => (lag + (period / 2), lag + period);

    /// <summary>The chance that so many are down, when failures are many, rare and independent (M/G/∞): Poisson for any repair law.</summary>
    /// <param name="down">How many are down.</param>
    /// <param name="load">The failure rate of all, times the mean time to repair.</param>
    public static double PoissonDown(int down, double load) => Math.Exp((down * Math.Log(load)) - load - Statistics.Special.LogGamma(down + 1));

    /// <summary>How long maintenance of all update domains takes.</summary>
    /// <param name="domains">How many there are.</param>
    /// <param name="each">The time of each.</param>
    /// <param name="between">The time between two.</param>
    public static double RollingUpdate(int domains, double each, double between) => (domains * each) + ((domains - 1) * between);

    /// <summary>The pre-copy migration of a machine: how often memory is sent, for how long, and how long the machine stands still at the end.</summary>
    /// <param name="memory">Its memory in bytes.</param>
    /// <param name="dirty">The bytes that it changes in a second.</param>
    /// <param name="bandwidth">The bytes that are sent in a second.</param>
    /// <param name="stop">The rest in bytes at which it is stopped.</param>
    /// <returns>The rounds, the seconds of copying, and the seconds of blackout; null when it never ends.</returns>
    public static (int Rounds, double Copying, double Blackout)? PreCopy(double memory, double dirty, double bandwidth, double stop)
    {
        var ratio = dirty / bandwidth;
        if (ratio >= 1 && memory > stop)
            return null;
        var (rounds, sent, rest) = (0, 0.0, memory);
        while (rest > stop)
        {
            sent += rest;
            rest *= ratio;
            rounds++;
        }

        return (rounds, sent / bandwidth, rest / bandwidth);
    }

    /// <summary>The minutes that an SLA allows to be down.</summary>
    /// <param name="percent">The promise in percent.</param>
    /// <param name="days">The days it is for.</param>
    public static double AllowedMinutes(double percent, double days) => (1 - (percent / 100)) * days * 1440;

    /// <summary>The availability of a machine of a fleet, when there is always room and nobody waits for a slot: the first answer.</summary>
    /// <param name="model">The model.</param>
    public static double FirstAnswer(FleetModel model)
    {
        var (failures, recovery) = (model.Failures, model.Recovery);
        var boot = recovery.Boot.Mean;
        double HostLoss(double repair) => (recovery.Healing ? recovery.Detection.Mean : repair) + boot;
        var second = recovery.AcrossZones && recovery.Healing;
        var available = Availability(failures.Host.Mean, HostLoss(failures.HostRepair.Mean))
            * Availability(failures.FaultDomain.Mean, HostLoss(failures.FaultDomainRepair.Mean))
            * Availability(failures.Zone.Mean, second ? HostLoss(0) : failures.ZoneRepair.Mean + boot)
            * Availability(failures.Region.Mean, failures.RegionRepair.Mean + boot)
            * Availability(failures.Storage.Mean, failures.StorageRepair.Mean + boot)
            * Availability(failures.Guest.Mean, recovery.GuestDetection.Mean + boot);
        if (model.Maintenance is { } plan)
        {
            var still = plan.Mode == MaintenanceMode.Reboot ? plan.Duration.TotalSeconds
                : plan.Mode == MaintenanceMode.Freeze ? plan.Pause.Mean
                : (plan.Eligible * plan.Pause.Mean) + ((1 - plan.Eligible) * plan.Duration.TotalSeconds);
            available *= 1 - Math.Min(1, still / plan.Interval.TotalSeconds);
        }

        return available;
    }

    private static double LogChoose(int n, int k) =>
        Statistics.Special.LogGamma(n + 1) - Statistics.Special.LogGamma(k + 1) - Statistics.Special.LogGamma(n - k + 1);

    private static void CheckKOfN(int k, int n)
    {
        if (k < 1 || k > n)
            throw new ArgumentOutOfRangeException(nameof(k), k, $"k of {n} is from 1 to {n}.");
    }
}
