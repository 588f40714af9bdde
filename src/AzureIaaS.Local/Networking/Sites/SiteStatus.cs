namespace AzureIaaS.Local.Networking.Sites;

/// <summary>How it stands with a site's tunnel, from what the IKE daemon lists and says. Pure: time is handed in.</summary>
internal sealed class SiteStatus(Site site, RevocationFile? revoked = null)
{
    private readonly object _gate = new();   // asked by whoever connects, told by two others
    private readonly Dictionary<string, (long In, long Out)> _counted = [];

    private string? _ended;
    private bool _isBetween;

    /// <summary>The site.</summary>
    public Site Site => site;

    public SiteState State { get; private set; } = SiteState.Connecting;

    public DateTimeOffset? Since { get; private set; }

    public string? LastError { get; private set; }

    /// <summary>Whether the daemon should be told to begin: it has nothing under way.</summary>
    public bool IsIdle { get; private set; } = true;

    /// <summary>Whether a certificate of this side's is not valid, or the list of revoked ones is not good, so that there is no use in beginning.</summary>
    /// <param name="now">The time.</param>
    public bool IsExpired(DateTimeOffset now) => Expiry(now) is not null;

    /// <summary>The list of revoked certificates; null where none is asked.</summary>
    public RevocationFile? Revoked => revoked;

    /// <summary>Takes note of what the daemon lists of this site.</summary>
    /// <param name="sas">Its IKE security associations, with their children; none when there are none.</param>
    /// <param name="now">The time.</param>
    public void Update(IReadOnlyList<ViciSection> sas, DateTimeOffset now)
    {
        lock (_gate)
            Update_NeedsLock(sas, now);
    }

    /// <summary>Takes note of what the daemon says of this site.</summary>
    /// <param name="message">Its message.</param>
    /// <param name="now">The time.</param>
    /// <returns>Whether it tells of something new that is wrong.</returns>
    public bool Hear(string message, DateTimeOffset now)
    {
        lock (_gate)
        {
            if (SiteTrouble.Of(message, site) is not { } trouble || trouble == LastError || (site.Certificate is not null && SiteTrouble.IsVague(message) && LastError is not null))
                return false;
            if (State == SiteState.Connected && SiteTrouble.IsEnd(message))
            {
                // IKE's former keys end like this too, when it has new ones: what is listed next shows which it was.
                _ended = trouble;
                return false;
            }

            Fail_NeedsLock(trouble, now);
            return true;
        }
    }

    /// <summary>Says what is wrong.</summary>
    /// <param name="trouble">What.</param>
    /// <param name="now">The time.</param>
    public void Fail(string trouble, DateTimeOffset now)
    {
        lock (_gate)
            Fail_NeedsLock(trouble, now);
    }

    /// <summary>What whoever asks is told.</summary>
    public SiteReport ToReport()
    {
        lock (_gate)
            return new() { Id = site.Id, State = State, Since = Since, BytesIn = _counted.Values.Sum(c => c.In), BytesOut = _counted.Values.Sum(c => c.Out), LastError = LastError, RevocationListUntil = revoked?.List?.NextUpdate };
    }

    private void Update_NeedsLock(IReadOnlyList<ViciSection> sas, DateTimeOffset now)
    {
        var children = sas.SelectMany(s => s.Section("child-sas").Sections).Select(c => c.Section).ToList();
        foreach (var child in children)
            _counted[child.Text("uniqueid") ?? ""] = (child.Number("bytes-in"), child.Number("bytes-out"));
        var carries = children.Exists(c => c.Text("state") is "INSTALLED" or "REKEYING" or "REKEYED");
        if (!carries && !_isBetween && State == SiteState.Connected && sas.Any(s => s.Text("state") is "ESTABLISHED" or "REKEYING" or "REKEYED"))
        {
            // IKE has new keys at this moment, and what it carries was listed with neither: the next look shows.
            _isBetween = true;
            return;
        }

        _isBetween = false;
        IsIdle = !carries && sas.All(s => s.Text("state") is not "CONNECTING" && s.List("tasks-active").Count == 0);
        if (!carries && _ended is not null)
            LastError = _ended;
        _ended = null;
        // A tunnel that stands is not ended for it: the gateways know each other already.
        var expiry = Expiry(now);
        if (carries || expiry is not null)
            LastError = expiry ?? revoked?.Trouble;
        Set(carries ? SiteState.Connected : LastError is null ? SiteState.Connecting : SiteState.NotConnected, now);
    }

    private string? Expiry(DateTimeOffset now) => (site.Certificate?.Problem(now) ?? site.CaCertificate?.Problem(now)) is { } problem
        ? $"{problem} Have it renewed, and make the site anew with Remove-IaaSSite and New-IaaSSite."
        : revoked?.Obstacle(now);

    private void Fail_NeedsLock(string trouble, DateTimeOffset now)
    {
        LastError = trouble;
        if (State != SiteState.Connected)
            Set(SiteState.NotConnected, now);
    }

    private void Set(SiteState state, DateTimeOffset now)
    {
        if (Since is null || state != State)
            Since = now;
        State = state;
    }
}
