using System.Runtime.InteropServices;

namespace AzureIaaS.Local.Networking.Switching;

/// <summary>
/// The memory of all frames under way: slots of one size, of which a frame that goes to many ports takes one. The slot used last is used next, so
/// that a quiet network touches little of it. For the switch's thread alone.
/// </summary>
internal sealed unsafe class FramePool : IDisposable
{
    /// <summary>The room for a frame; a little more than the longest, so that one that is too long is seen to be.</summary>
    public const int SlotSize = 9216;

    private readonly byte* _memory;
    private readonly int[] _length;
    private readonly int[] _holders;
    private readonly int[] _source;
    private readonly int[] _free;
    private readonly Dictionary<int, int> _underWay = [];

    /// <summary>Makes a pool.</summary>
    /// <param name="slots">How many frames can be under way at once.</param>
    public FramePool(int slots)
    {
        _memory = (byte*)NativeMemory.Alloc((nuint)slots, SlotSize);
        (_length, _holders, _source) = (new int[slots], new int[slots], new int[slots]);
        _free = [.. Enumerable.Range(0, slots).Reverse()];
        Free = slots;
    }

    /// <summary>How many slots nobody holds.</summary>
    public int Free { get; private set; }

    /// <summary>Takes a slot; -1 when there is none.</summary>
    public int Rent()
    {
        if (Free == 0)
            return -1;
        var slot = _free[--Free];
        (_holders[slot], _source[slot]) = (1, -1);
        return slot;
    }

    /// <summary>
    /// Says whose frame a slot holds. Nobody may have more under way than there is room left for others: a flood leaves half of what is free.
    /// </summary>
    /// <returns>False when it has.</returns>
    public bool Charge(int slot, int source)
    {
        ref var count = ref CollectionsMarshal.GetValueRefOrAddDefault(_underWay, source, out _);
        if (count >= Free)
            return false;
        count++;
        _source[slot] = source;
        return true;
    }

    /// <summary>Lets another hold a slot too.</summary>
    public void Hold(int slot) => _holders[slot]++;

    /// <summary>Lets go of a slot.</summary>
    public void Release(int slot)
    {
        if (--_holders[slot] > 0)
            return;
        if (_source[slot] >= 0)
            CollectionsMarshal.GetValueRefOrNullRef(_underWay, _source[slot])--;
        _free[Free++] = slot;
    }

    public byte* Pointer(int slot) => _memory + (long)slot * SlotSize;

    public int Length(int slot) => _length[slot];

    public void SetLength(int slot, int length) => _length[slot] = length;

    public Span<byte> Frame(int slot) => new(Pointer(slot), _length[slot]);

    public void Dispose() => NativeMemory.Free(_memory);
}
