using System.Globalization;
using Azure;
using AzureIaaS.Providers;
using LongRunning = Azure.Operation;

namespace AzureIaaS.Azure.Arm;

/// <summary>
/// Waits for long-running operations in our own way. The packages' own loop asks every second whatever Azure says; Compute allows 45
/// questions at once and 15 a minute after that, for each machine.
/// </summary>
/// <param name="connection">The way to Azure.</param>
internal sealed class Operations(ArmConnection connection)
{
    private static readonly TimeSpan Longest = TimeSpan.FromMinutes(2);

    /// <summary>Waits for an operation with a result.</summary>
    /// <typeparam name="T">The result.</typeparam>
    /// <param name="begin">Begins it.</param>
    /// <param name="doing">What it does, for messages: "Creating disk x".</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting; Azure goes on.</param>
    /// <exception cref="IaaSException">It failed; the message says why.</exception>
    public Task<T> ResultAsync<T>(Func<Task<Operation<T>>> begin, string doing, IProgress<Notice> notices, CancellationToken cancellation)
        where T : notnull => GuardAsync(
        async () =>
        {
            var operation = await begin();
            await WaitAsync(operation, doing, notices, cancellation);
            return operation.Value;
        },
        doing, notices, cancellation);

    /// <summary>Waits for an operation without a result.</summary>
    /// <param name="begin">Begins it.</param>
    /// <param name="doing">What it does, for messages.</param>
    /// <param name="notices">Receives steps.</param>
    /// <param name="cancellation">Stops waiting; Azure goes on.</param>
    /// <param name="usually">How long it takes as a rule, where that is long; the wait is then shown as progress.</param>
    /// <exception cref="IaaSException">It failed; the message says why.</exception>
    public Task RunAsync(Func<Task<LongRunning>> begin, string doing, IProgress<Notice> notices, CancellationToken cancellation, TimeSpan? usually = null) => GuardAsync(async () =>
    {
        await WaitAsync(await begin(), doing, notices, cancellation, usually);
        return true;
    }, doing, notices, cancellation);

    /// <summary>Does a request that is no operation, and puts its failure into a sentence.</summary>
    /// <typeparam name="T">What it answers.</typeparam>
    /// <param name="work">The request.</param>
    /// <param name="doing">What it does, for messages.</param>
    /// <param name="notices">Receives waits.</param>
    /// <param name="cancellation">Stops it.</param>
    public static async Task<T> GuardAsync<T>(Func<Task<T>> work, string doing, IProgress<Notice> notices, CancellationToken cancellation)
    {
        using var scope = ThrottleWatch.Report(notices);
        try
        {
            return await work();
        }
        catch (Exception e) when (ArmErrors.IsExpected(e) && !cancellation.IsCancellationRequested)
        {
            throw ArmErrors.Translate(e, doing);
        }
    }

    /// <summary>Asks for something that may not be there.</summary>
    /// <typeparam name="T">What it is.</typeparam>
    /// <param name="get">Asks for it.</param>
    /// <param name="doing">What is done, for messages.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>It; null when it is not there.</returns>
    public static Task<T?> FindAsync<T>(Func<Task<Response<T>>> get, string doing, CancellationToken cancellation)
        where T : class => GuardAsync(
        async () =>
        {
            try
            {
                return (await get()).Value;
            }
            catch (RequestFailedException e) when (e.Status == 404 && e.ErrorCode is not ("SubscriptionNotFound" or "ResourceGroupNotFound"))
            {
                return null;
            }
        },
        doing, Machines.Quiet.Notices, cancellation);

    private async Task WaitAsync(LongRunning operation, string doing, IProgress<Notice> notices, CancellationToken cancellation, TimeSpan? usually = null)
    {
        var start = connection.Time.GetTimestamp();
        notices.Report(Notice.Step(doing));
        while (!operation.HasCompleted)
        {
            await Task.Delay(DelayAfter(operation.GetRawResponse()), connection.Time, cancellation);
            await operation.UpdateStatusAsync(cancellation);
            if (usually is { } whole)
                ReportLong(doing, connection.Time.GetElapsedTime(start), whole, notices);
        }
    }

    /// <summary>Shows how far something is that takes long.</summary>
    /// <param name="doing">What is done, for messages.</param>
    /// <param name="elapsed">For how long.</param>
    /// <param name="whole">How long it takes as a rule.</param>
    /// <param name="notices">Receives the step.</param>
    public static void ReportLong(string doing, TimeSpan elapsed, TimeSpan whole, IProgress<Notice> notices)
    {
        const double nearly = 0.99;   // how long it takes this time, Azure does not say
        var text = string.Create(CultureInfo.CurrentCulture, $"{doing}: {elapsed.TotalMinutes:0} minutes so far; as a rule Azure takes about {whole.TotalMinutes:0}");
        notices.Report(Notice.Step(text, Math.Min(nearly, elapsed / whole)));
    }

    private TimeSpan DelayAfter(Response response)
    {
        var asked = response.Headers.TryGetValue("Retry-After", out var text) && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds)
            ? TimeSpan.FromSeconds(seconds)
            : connection.ShortestWait;
        return asked < connection.ShortestWait ? connection.ShortestWait : asked > Longest ? Longest : asked;
    }
}
