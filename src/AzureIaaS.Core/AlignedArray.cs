using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace AzureIaaS;

/// <summary>
/// An array whose first element begins a cache line: of an ordinary array of structures as large as a line, every element lies on two. The elements
/// can be fetched into the cache before they are needed.
/// </summary>
internal sealed unsafe class AlignedArray<T>
    where T : unmanaged
{
    private const int Line = 64;

    private readonly T[] _memory;   // pinned, and kept alive by this
    private readonly T* _first;

    /// <summary>An array of zeros.</summary>
    /// <param name="length">How many elements.</param>
    public AlignedArray(int length)
    {
        _memory = GC.AllocateUninitializedArray<T>(length + ((Line + sizeof(T) - 1) / sizeof(T)), pinned: true);
        _first = (T*)(((nuint)Unsafe.AsPointer(ref _memory[0]) + Line - 1) & ~(nuint)(Line - 1));
        Length = length;
        LargePages.Ask((nuint)_first, (nuint)(_first + length));
        new Span<T>(_first, length).Clear();
    }

    public int Length { get; }

    public ref T this[int at]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            if ((uint)at >= (uint)Length)
                Refuse(at);
            return ref _first[at];
        }
    }

    /// <summary>The first element. It stays where it is for as long as this array is held.</summary>
    public T* Start => _first;

    public ReadOnlySpan<T> Span => new(_first, Length);

    private static void Refuse(int at) => throw new ArgumentOutOfRangeException(nameof(at), at, "There is no such element.");

    /// <summary>Fetches an element into the cache meanwhile; nothing when there is no such element.</summary>
    public void Prefetch(int at)
    {
        if (Sse.IsSupported && (uint)at < (uint)Length)
            Sse.Prefetch0(_first + at);
    }
}

/// <summary>Fetches memory before it is needed.</summary>
internal static unsafe class Memory
{
    /// <summary>Fetches what lies somewhere into the cache meanwhile; the collector may have moved it since, then for nothing.</summary>
    /// <param name="what">Where.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Prefetch<T>(ref T what)
        where T : unmanaged
    {
        if (Sse.IsSupported)
            Sse.Prefetch0(Unsafe.AsPointer(ref what));
    }
}

/// <summary>Large pages: where memory is met in no order, finding where a small page is takes as long as fetching what is on it.</summary>
internal static partial class LargePages
{
    private const nuint Size = 2 << 20;
    private const int HugePages = 14;   // MADV_HUGEPAGE

    /// <summary>Wishes for large pages before a range is first touched; memory is as good without.</summary>
    /// <param name="start">The address of its first byte.</param>
    /// <param name="end">The address after its last.</param>
    public static void Ask(nuint start, nuint end)
    {
        var (first, last) = ((start + Size - 1) & ~(Size - 1), end & ~(Size - 1));
        if (OperatingSystem.IsLinux() && last > first)
            _ = Advise(first, last - first, HugePages);
    }

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(nuint start, nuint length, int advice);
}
