namespace AzureIaaS.Simulation.Engine;

/// <summary>What a random number is for: each purpose has its own stream.</summary>
internal enum Purpose
{
    TimeToFailure = 1,
    Repair,
    Detection,
    Boot,
    GuestFailure,
    GuestDetection,
    Pause,
    Eligible,
    Decision,
    RecoveryPoint,
    Bias,
}

/// <summary>
/// Random numbers without a state: the n-th number of a thing for a purpose is a hash of seed, replication, thing, purpose and n. So it is the
/// same in every run, on any number of threads, and in a comparison with a fleet that differs elsewhere.
/// </summary>
/// <param name="seed">The seed.</param>
/// <param name="replication">The number of the replication.</param>
internal readonly struct Chance(ulong seed, int replication)
{
    private readonly ulong _base = Mix(Mix(seed + 0x9E3779B97F4A7C15) + ((ulong)(uint)replication * 0xD1B54A32D192ED03));

    /// <summary>The identity of a thing in every run: its kind, its group and its number there.</summary>
    public static ulong Identity(int kind, int group, int number) => Mix(((ulong)(uint)kind << 58) ^ ((ulong)(uint)group << 34) ^ (uint)number);

    /// <summary>A number above 0 and below 1.</summary>
    public double Uniform(ulong thing, Purpose purpose, int n)
    {
        var x = Mix(_base ^ (thing + ((ulong)purpose << 56) + ((ulong)purpose * 0xA0761D6478BD642F)));
        x = Mix(x + ((ulong)(uint)n * 0x9E3779B97F4A7C15));
        return ((x >> 11) + 0.5) * (1.0 / (1UL << 53));
    }

    // The finalizer of splitmix64.
    private static ulong Mix(ulong x)
    {
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9;
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB;
        return x ^ (x >> 31);
    }
}
