namespace AzureIaaS.Guests.Testing;

/// <summary>
/// What a boot-sector guest does besides counting its boots, ticking and powering off at the power button. Options combine; a count of
/// zero ticks means at once after <c>guest: ready</c>.
/// </summary>
public sealed record BootSectorOptions
{
    /// <summary>Nothing is said on the serial console; boots are still counted.</summary>
    public bool SilentConsole { get; init; }

    /// <summary>The power button is not enabled, so a request to power down has no effect.</summary>
    public bool IgnorePowerButton { get; init; }

    /// <summary>After so many ticks the guest says <c>guest: power off</c> and powers itself off.</summary>
    public int? PowersOffAfterTicks { get; init; }

    /// <summary>After so many ticks the guest says <c>guest: reboot</c> and resets itself; at every boot again.</summary>
    public int? RebootsAfterTicks { get; init; }

    /// <summary>
    /// After so many ticks the guest says <c>guest: panic</c>, tells a pvpanic device if there is one, and halts for ever.
    /// </summary>
    public int? PanicsAfterTicks { get; init; }

    /// <summary>
    /// Every tick's number is written to the disk, and only then printed. At boot, before ready, <c>guest: found W</c> tells the number
    /// that the last tick left there.
    /// </summary>
    public bool WritesEveryTick { get; init; }

    /// <summary>
    /// The partition is written from its start to its end as fast as the disk takes it, with <c>guest: wrote K</c> (KiB) after every
    /// 64 KiB and <c>guest: filled</c> at the end. A write that fails says <c>guest: write failed E</c> and ends it; ticks go on.
    /// </summary>
    public bool FillsDisk { get; init; }

    /// <summary>
    /// Every byte that arrives on the serial port is answered with <c>guest: got X</c>, X being the character, or <c>#N</c> for
    /// the number of one that cannot be printed.
    /// </summary>
    public bool EchoesSerial { get; init; }
}
