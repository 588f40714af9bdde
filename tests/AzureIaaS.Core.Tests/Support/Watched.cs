using System.Diagnostics;
using System.Runtime.InteropServices;

namespace AzureIaaS.Tests.Support;

/// <summary>
/// Runs pieces of work on a thread of their own, and fails when one costs too much of the processor's time or waits for ever. It is not the clock's time that counts: a
/// machine that has other things to do is no fault.
/// </summary>
internal sealed partial class Watched
{
    private static readonly TimeSpan MostProcessorTime = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan MostTime = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    private int _thread;
    private int _number;
    private string _what = "";

    /// <summary>Runs work.</summary>
    /// <param name="work">The work; it says which piece it is at.</param>
    public static async Task<T> RunAsync<T>(Func<Watched, T> work)
    {
        var watched = new Watched();
        var worker = Task.Factory.StartNew(
            () =>
            {
                watched._thread = OperatingSystem.IsLinux() ? ThreadId() : 0;
                return work(watched);
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        var (number, begun, used) = (-1, 0L, TimeSpan.Zero);
        while (await Task.WhenAny(worker, Task.Delay(LookEvery)) != worker)
        {
            if (number != Volatile.Read(ref watched._number))
                (number, begun, used) = (watched._number, Stopwatch.GetTimestamp(), watched.ProcessorTime());
            var cost = watched.ProcessorTime() - used;
            if (cost > MostProcessorTime || Stopwatch.GetElapsedTime(begun) > MostTime)
                Assert.Fail($"{watched._what}: it has taken {cost.TotalSeconds:0.0} s of the processor's time, {Stopwatch.GetElapsedTime(begun).TotalSeconds:0} s of the clock's, and goes on");
        }

        return await worker;
    }

    /// <summary>Says that the next piece begins.</summary>
    /// <param name="what">Which.</param>
    public void Next(string what)
    {
        _what = what;
        Interlocked.Increment(ref _number);
    }

    private TimeSpan ProcessorTime()
    {
        if (_thread == 0)
            return TimeSpan.Zero;
        using var process = Process.GetCurrentProcess();
        return process.Threads.Cast<ProcessThread>().FirstOrDefault(t => t.Id == _thread)?.TotalProcessorTime ?? TimeSpan.Zero;
    }

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int ThreadId();
}
