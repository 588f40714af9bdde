using System.Runtime.CompilerServices;

namespace AzureIaaS.Simulation.Engine;

/// <summary>Downtime by equal parts of the horizon: what batch means are made of, where one long run has to give its own interval.</summary>
internal sealed class BatchBook(int applications)
{
    public const int Batches = 20;

    private readonly double[][] _down = [.. Enumerable.Range(0, applications + 1).Select(_ => new double[Batches])];
    private long _warmUp;
    private long _width;
    private double _perWidth;
    private int _batch;          // the one that the last outage ended in, with its edges
    private long _batchFrom;
    private long _batchUntil;

    public void Reset(long warmUp, long end)
    {
        (_warmUp, _width) = (warmUp, Math.Max(1, (end - warmUp) / Batches));
        _perWidth = 1.0 / _width;
        (_batch, _batchFrom, _batchUntil) = (0, 0, 0);
        foreach (var down in _down)
            Array.Clear(down);
    }

    /// <summary>Adds an outage.</summary>
    /// <param name="of">0 for a machine, else the application's number plus 1.</param>
    /// <param name="from">When it began.</param>
    /// <param name="to">When it ended.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Add(int of, long from, long to)
    {
        from = Math.Max(from, _warmUp) - _warmUp;
        to -= _warmUp;
        if (from >= _batchFrom && to <= _batchUntil)
        {
            if (from < to)
                _down[of][_batch] += to - from;
        }
        else
        {
            AddAcross(of, from, to);
        }
    }

    private void AddAcross(int of, long from, long to)
    {
        while (from < to)
        {
            // The product can be off by one at an edge, which only moves a moment to the neighbour.
            var batch = Math.Min(Batches - 1, (int)(from * _perWidth));
            var until = batch == Batches - 1 ? to : Math.Max(from + 1, Math.Min(to, (batch + 1) * _width));
            _down[of][batch] += until - from;
            (_batch, _batchFrom, _batchUntil) = (batch, batch * _width, batch == Batches - 1 ? Clock.Never : (batch + 1) * _width);
            from = until;
        }
    }

    /// <summary>The unavailability in each batch: of machines, then of each application.</summary>
    public double[][] Shares(int machines) => [.. _down.Select((down, i) => down.Select(d => d / _width / (i == 0 ? machines : 1)).ToArray())];
}
