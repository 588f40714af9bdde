using System.Globalization;

namespace AzureIaaS.Azure.Upload;

/// <summary>
/// The right to write to, or read from, one disk: a shared access signature that is asked for when it is needed, held in memory alone, and asked
/// for anew before it expires. Nothing else ever sees it.
/// </summary>
/// <param name="grant">Asks for one that lasts so long.</param>
/// <param name="lifetime">How long one lasts: short, for an interruption leaves it behind.</param>
/// <param name="time">The clock.</param>
internal sealed class SasAccess(Func<TimeSpan, CancellationToken, Task<Uri>> grant, TimeSpan lifetime, TimeProvider time) : IDisposable
{
    /// <summary>How long an ordinary one lasts.</summary>
    public static readonly TimeSpan DefaultLifetime = TimeSpan.FromHours(1);

    /// <summary>How long one lasts where Azure has shown that it gives only one: the longest that an upload may take.</summary>
    public static readonly TimeSpan LongLifetime = TimeSpan.FromHours(24);

    private readonly SemaphoreSlim _gate = new(1);
    private Uri? _uri;
    private DateTimeOffset _renewAt;
    private DateTimeOffset _expires;

    /// <summary>The address with a signature that is good for a while.</summary>
    /// <param name="cancellation">Stops waiting.</param>
    public async ValueTask<Uri> GetAsync(CancellationToken cancellation)
    {
        if (_uri is { } good && time.GetUtcNow() < _renewAt)
            return good;
        await _gate.WaitAsync(cancellation);
        try
        {
            if (_uri is null || time.GetUtcNow() >= _renewAt)
                await RenewAsync(cancellation);
            return _uri!;
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Takes note that a signature was refused; the next call asks for another one.</summary>
    /// <param name="refused">The address as it was used.</param>
    public void Invalidate(Uri refused)
    {
        if (ReferenceEquals(_uri, refused))
            _renewAt = DateTimeOffset.MinValue;
    }

    public void Dispose() => _gate.Dispose();

    private async Task RenewAsync(CancellationToken cancellation)
    {
        var now = time.GetUtcNow();
        try
        {
            _uri = await grant(lifetime, cancellation);
        }
        catch (IaaSException e) when (_uri is not null && now < _expires && e.Kind is not ErrorKind.NotFound)
        {
            // The old one is still good for a while. Asked again in a minute, not with every page.
            _renewAt = now + TimeSpan.FromMinutes(1) < _expires ? now + TimeSpan.FromMinutes(1) : _expires;
            return;
        }

        _expires = ExpiryOf(_uri) ?? now + lifetime;
        // By the share of its life, not by this computer's clock alone: that may be an hour off.
        var left = _expires > now ? _expires - now : lifetime;
        _renewAt = now + (Min(left, lifetime) * 0.75);
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;

    /// <summary>When a signature ends: its field <c>se</c>.</summary>
    private static DateTimeOffset? ExpiryOf(Uri uri)
    {
        foreach (var field in uri.Query.TrimStart('?').Split('&'))
        {
            if (field.StartsWith("se=", StringComparison.Ordinal)
                && DateTimeOffset.TryParse(Uri.UnescapeDataString(field[3..]), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var expiry))
            {
                return expiry;
            }
        }

        return null;
    }
}
