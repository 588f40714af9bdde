using System.Numerics;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;

namespace AzureIaaS.Simulation.Engine;

/// <summary>The least of many numbers, kept while they change: a tree in which every node is the least of its eight children, and eight fill a cache line.</summary>
internal sealed unsafe class MinTree
{
    private const int Fan = 8;

    private readonly int[]? _names;   // null when they are consecutive
    private readonly int _firstName;
    private readonly int _count;
    private readonly int[] _starts;   // where each level begins, leaves first
    private readonly AlignedArray<double> _nodes;   // each level padded with infinity to a multiple of eight
    private int _from;                // no leaf before it has the least number

    /// <summary>A tree whose leaves all stand at infinity.</summary>
    /// <param name="names">What the leaves are called, in ascending order.</param>
    public MinTree(IReadOnlyList<int> names)
    {
        _count = names.Count;
        _firstName = _count > 0 ? names[0] : 0;
        _names = _count > 0 && names[^1] - _firstName != _count - 1 ? [.. names] : null;
        var starts = new List<int>();
        var (total, width) = (0, Math.Max(1, _count));
        do
        {
            starts.Add(total);
            width = (width + Fan - 1) / Fan;
            total += width * Fan;
        }
        while (width > 1);
        _starts = [.. starts];
        _nodes = new AlignedArray<double>(total);
        for (var i = 0; i < total; i++)
            _nodes[i] = double.PositiveInfinity;
    }

    /// <summary>The least number; infinity when all are.</summary>
    public double Min { get; private set; } = double.PositiveInfinity;

    /// <summary>The name of the first leaf that has the least number; -1 when all are at infinity.</summary>
    public int First
    {
        get
        {
            var least = Min;
            if (double.IsPositiveInfinity(least))
                return -1;
            var wanted = Vector256.Create(least);
            // Where many are equal, the next is most often beside the last.
            var found = Among(_nodes.Start + (_from & -Fan), wanted) >> (_from & (Fan - 1)) << (_from & (Fan - 1));
            _from = found != 0 ? (_from & -Fan) + BitOperations.TrailingZeroCount(found) : Descend(wanted);
            return _names is null ? _firstName + _from : _names[_from];
        }
    }

    /// <summary>Changes a leaf.</summary>
    /// <param name="at">Which one.</param>
    /// <param name="value">The number, which is one.</param>
    public void Set(int at, double value)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)at, (uint)_count, nameof(at));
        if (value <= Min && at < _from)
            _from = at;
        foreach (var start in _starts)
        {
            var level = _nodes.Start + start;
            if (level[at] == value)
                return;   // so nothing above has changed
            var least = LeastWith(level + (at & -Fan), at & (Fan - 1), value);
            level[at] = value;
            (at, value) = (at / Fan, least);
        }

        if (value != Min)
            (Min, _from) = (value, 0);
    }

    private int Descend(Vector256<double> wanted)
    {
        var at = 0;
        for (var level = _starts.Length - 1; level >= 0; level--)
            at = (at * Fan) + BitOperations.TrailingZeroCount(Among(_nodes.Start + _starts[level] + (at * Fan), wanted));
        return at;
    }

    // Which of eight are the one wanted, a bit each.
    private static uint Among(double* group, Vector256<double> wanted) =>
        Vector256.Equals(Vector256.Load(group), wanted).ExtractMostSignificantBits() | (Vector256.Equals(Vector256.Load(group + 4), wanted).ExtractMostSignificantBits() << 4);

    /// <summary>Fetches a leaf into the cache meanwhile.</summary>
    /// <param name="at">Which one.</param>
    public void Prefetch(int at) => _nodes.Prefetch(at);

    // The least of eight once one of them has changed. It is put in its place here and written afterwards: a vector that is read where a single number
    // has just been written waits until that has reached the cache.
    private static double LeastWith(double* group, int lane, double value)
    {
        var wanted = Vector256.Create((long)lane);
        var changed = Vector256.Create(value);
        var low = Vector256.ConditionalSelect(Vector256.Equals(wanted, Vector256.Create(0L, 1, 2, 3)).AsDouble(), changed, Vector256.Load(group));
        var high = Vector256.ConditionalSelect(Vector256.Equals(wanted, Vector256.Create(4L, 5, 6, 7)).AsDouble(), changed, Vector256.Load(group + 4));
        if (Avx.IsSupported)
        {
            // The processor's own comparison: which of two zeros is less, and what is not a number, does not matter here.
            var four = Avx.Min(low, high);
            var two = Sse2.Min(four.GetLower(), four.GetUpper());
            return Sse2.MinScalar(two, Sse2.UnpackHigh(two, two)).ToScalar();
        }

        var least = Vector256.Min(low, high);
        var half = Vector128.Min(least.GetLower(), least.GetUpper());
        return Math.Min(half[0], half[1]);
    }
}
