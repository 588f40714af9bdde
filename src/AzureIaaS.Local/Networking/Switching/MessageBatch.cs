using System.Runtime.InteropServices;

namespace AzureIaaS.Local.Networking.Switching;

/// <summary>Frames that one system call receives or sends, and the structures that tell the kernel where they are.</summary>
internal sealed unsafe class MessageBatch : IDisposable
{
    /// <summary>How many frames a call moves at most.</summary>
    public const int Most = 64;

    private readonly FramePool _pool;
    private readonly Kernel.Message* _messages;
    private readonly Kernel.Piece* _pieces;

    public MessageBatch(FramePool pool)
    {
        _pool = pool;
        _messages = (Kernel.Message*)NativeMemory.AllocZeroed(Most, (nuint)sizeof(Kernel.Message));
        _pieces = (Kernel.Piece*)NativeMemory.AllocZeroed(Most, (nuint)sizeof(Kernel.Piece));
        for (var i = 0; i < Most; i++)
        {
            _messages[i].Pieces = _pieces + i;
            _messages[i].PieceCount = 1;
        }
    }

    /// <summary>Receives what waits at a socket, each frame into the slot that is given for it.</summary>
    /// <param name="file">The socket.</param>
    /// <param name="slots">Free slots.</param>
    /// <returns>How many came; a frame that was too long has length 0.</returns>
    public int Receive(int file, ReadOnlySpan<int> slots)
    {
        for (var i = 0; i < slots.Length; i++)
            _pieces[i] = new Kernel.Piece { Start = _pool.Pointer(slots[i]), Length = FramePool.SlotSize };
        var count = Kernel.ReceiveMessages(file, _messages, (uint)slots.Length, Kernel.DoNotWait, 0);
        for (var i = 0; i < count; i++)
            _pool.SetLength(slots[i], (_messages[i].Flags & Kernel.Truncated) != 0 ? 0 : (int)_messages[i].Moved);
        return Math.Max(0, count);
    }

    /// <summary>Sends frames to whom a socket is connected to.</summary>
    /// <param name="file">The socket.</param>
    /// <param name="slots">The frames.</param>
    /// <param name="error">Why not all went; 0 when they did.</param>
    /// <returns>How many went.</returns>
    public int Send(int file, ReadOnlySpan<int> slots, out int error)
    {
        for (var i = 0; i < slots.Length; i++)
            _pieces[i] = new Kernel.Piece { Start = _pool.Pointer(slots[i]), Length = (nuint)_pool.Length(slots[i]) };
        var count = Kernel.SendMessages(file, _messages, (uint)slots.Length, Kernel.DoNotWait | Kernel.NoSignal);
        // An error after some have gone is told by the next call.
        error = count == slots.Length ? 0 : count >= 0 ? Kernel.TryAgain : Marshal.GetLastPInvokeError();
        return Math.Max(0, count);
    }

    public void Dispose()
    {
        NativeMemory.Free(_messages);
        NativeMemory.Free(_pieces);
    }
}
