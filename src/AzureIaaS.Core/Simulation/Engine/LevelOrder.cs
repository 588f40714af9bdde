using System.Numerics;
using System.Runtime.CompilerServices;

namespace AzureIaaS.Simulation.Engine;

/// <summary>
/// The order of hosts whose numbers are small and whole: for each number the set of those that have it, a bit each, with a bit for each word that is
/// not empty above them. Where hosts are alike this is most often so, and where they are filled evenly many have the same number.
/// </summary>
internal sealed unsafe class LevelOrder : HostOrder
{
    private const int Nowhere = -1;

    private readonly int _levels;
    private readonly int _words;      // of 64 hosts each
    private readonly int _groups;     // of 64 words each
    private readonly AlignedArray<ulong> _bits;       // [level, word]
    private readonly AlignedArray<ulong> _filled;     // [level, group]: which words are not zero
    private readonly int[] _counts;   // hosts on each level
    private readonly short[] _levelOf;
    private int _least;               // the first level that is not empty; their number when all are
    private int _held = Nowhere;      // the host that came first, kept apart: it most often takes many in a row
    private int _heldLevel = int.MaxValue;

    /// <summary>An order in which all stand at infinity.</summary>
    /// <param name="names">What the hosts are called, in ascending order.</param>
    /// <param name="levels">How many numbers there are, from 0; at most <see cref="short.MaxValue"/>.</param>
    public LevelOrder(IReadOnlyList<int> names, int levels)
        : base(names)
    {
        (_levels, _least) = (levels, levels);
        _words = (Count + 63) / 64;
        _groups = (_words + 63) / 64;
        _bits = new AlignedArray<ulong>(levels * _words);
        _filled = new AlignedArray<ulong>(levels * _groups);
        _counts = new int[levels];
        _levelOf = new short[Count];
        Array.Fill(_levelOf, (short)Nowhere);
    }

    public override double Min => Math.Min(_least, _heldLevel) is var least && least < _levels ? least : double.PositiveInfinity;

    public override int First
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => _heldLevel < _least ? NameOf(_held) : Hold();
    }

    /// <summary>By how much the first host can grow before another comes first; 1 where another does at once. To be asked after <see cref="First"/>.</summary>
    public int Lead => Math.Max(1, _least - _heldLevel);

    public override void Set(int at, double value) => Put(at, value < _levels ? (int)value : Nowhere);

    /// <summary>The same, by a number that is whole; -1 for infinity.</summary>
    /// <param name="at">Which host.</param>
    /// <param name="level">Its number.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Put(int at, int level)
    {
        if (at == _held && level >= 0)
            _heldLevel = level;
        else
            Move(at, level);
    }

    // Holds the host that comes first; the one held so far goes back among the others, unless it is the same.
    private int Hold()
    {
        if (_least == _levels)
            return -1;   // and so is none held: it would be on a level below
        var filled = _filled.Start + (_least * _groups);
        var group = 0;
        while (filled[group] == 0)
            group++;
        var word = (group << 6) + BitOperations.TrailingZeroCount(filled[group]);
        var bits = _bits.Start + (_least * _words) + word;
        var first = (word << 6) + BitOperations.TrailingZeroCount(*bits);
        if (_heldLevel == _least && _held < first)
            return NameOf(_held);
        *bits &= *bits - 1;
        filled[group] &= ~((*bits == 0 ? 1UL : 0UL) << word);
        _counts[_least]--;
        _levelOf[first] = Nowhere;
        var (level, held, heldLevel) = (_least, _held, _heldLevel);
        (_held, _heldLevel) = (first, level);
        if (held >= 0)
            Insert(held, heldLevel);
        SkipEmpty();
        return NameOf(first);
    }

    private void Move(int at, int level)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(level, _levels);
        if (at == _held)
            (_held, _heldLevel) = (Nowhere, int.MaxValue);
        int former = _levelOf[at];
        if (former == level)
            return;
        if (former >= 0)
            Remove(at, former);
        if (level >= 0)
            Insert(at, level);
        SkipEmpty();
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Insert(int at, int level)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(level, _levels);
        var word = at >> 6;
        _levelOf[at] = (short)level;
        _bits.Start[(level * _words) + word] |= 1UL << at;
        _filled.Start[(level * _groups) + (word >> 6)] |= 1UL << word;
        _counts[level]++;
        _least = Math.Min(_least, level);
    }

    private void Remove(int at, int level)
    {
        var word = at >> 6;
        _levelOf[at] = Nowhere;
        var bits = _bits.Start + (level * _words) + word;
        *bits &= ~(1UL << at);
        // Without a branch: which way it goes cannot be foreseen.
        _filled.Start[(level * _groups) + (word >> 6)] &= ~((*bits == 0 ? 1UL : 0UL) << word);
        _counts[level]--;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void SkipEmpty()
    {
        while (_least < _levels && _counts[_least] == 0)
            _least++;
    }

    public override void Prefetch(int at)
    {
        // All that is known of the hosts fits into the cache.
    }
}
