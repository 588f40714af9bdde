using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace AzureIaaS.Hosts;

/// <summary>The least of many numbers, kept while they change: a tree in which every node is the least of its eight children.</summary>
internal sealed class MinTree
{
    private const int Fan = 8;

    private readonly int[] _names;
    private readonly double[][] _levels;   // leaves first; each padded with infinity to a multiple of eight

    /// <summary>A tree whose leaves all stand at infinity.</summary>
    /// <param name="names">What the leaves are called, in ascending order.</param>
    public MinTree(IReadOnlyList<int> names)
    {
        _names = [.. names];
        var levels = new List<double[]>();
        var count = Math.Max(1, names.Count);
        while (true)
        {
            var level = new double[(count + Fan - 1) / Fan * Fan];
            Array.Fill(level, double.PositiveInfinity);
            levels.Add(level);
            if (level.Length == Fan)
                break;
            count = level.Length / Fan;
        }

        _levels = [.. levels];
    }

    /// <summary>The least number; infinity when all are.</summary>
    public double Min { get; private set; } = double.PositiveInfinity;

    /// <summary>The name of the first leaf that has the least number; -1 when all are at infinity.</summary>
    public int First
    {
        get
        {
            if (double.IsPositiveInfinity(Min))
                return -1;
            var at = 0;
            for (var level = _levels.Length - 1; level >= 0; level--)
                at = (at * Fan) + FirstOf(_levels[level], at * Fan, Min);
            return _names[at];
        }
    }

    /// <summary>Changes a leaf.</summary>
    /// <param name="at">Which one.</param>
    /// <param name="value">The number.</param>
    public void Set(int at, double value)
    {
        foreach (var level in _levels)
        {
            if (level[at] == value)
                return;   // so nothing above has changed
            var node = at / Fan;
            var least = LeastWith(level, node * Fan, at % Fan, value);
            level[at] = value;
            (at, value) = (node, least);
        }

        Min = value;
    }

    // The least of eight once one of them has changed. It is put in its place here and written afterwards: a vector that is read where a single number
    // has just been written waits until that has reached the cache.
    private static double LeastWith(double[] level, int start, int lane, double value)
    {
        ref var first = ref MemoryMarshal.GetArrayDataReference(level);
        var wanted = Vector256.Create((long)lane);
        var changed = Vector256.Create(value);
        var low = Vector256.ConditionalSelect(Vector256.Equals(wanted, Vector256.Create(0L, 1, 2, 3)).AsDouble(), changed, Vector256.LoadUnsafe(ref first, (nuint)start));
        var high = Vector256.ConditionalSelect(Vector256.Equals(wanted, Vector256.Create(4L, 5, 6, 7)).AsDouble(), changed, Vector256.LoadUnsafe(ref first, (nuint)start + 4));
        var least = Vector256.Min(low, high);
        var half = Vector128.Min(least.GetLower(), least.GetUpper());
        return Math.Min(half[0], half[1]);
    }

    private static int FirstOf(double[] level, int start, double value)
    {
        ref var first = ref MemoryMarshal.GetArrayDataReference(level);
        var wanted = Vector256.Create(value);
        var low = Vector256.Equals(Vector256.LoadUnsafe(ref first, (nuint)start), wanted).ExtractMostSignificantBits();
        var high = Vector256.Equals(Vector256.LoadUnsafe(ref first, (nuint)start + 4), wanted).ExtractMostSignificantBits();
        return System.Numerics.BitOperations.TrailingZeroCount(low | (high << 4));
    }
}
