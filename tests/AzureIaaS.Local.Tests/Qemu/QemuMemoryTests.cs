using AzureIaaS.Local.Hypervisors.Qemu;

namespace AzureIaaS.Local.Tests.Qemu;

/// <summary>Which QEMU may migrate a running guest, and how long that may stand still.</summary>
public class QemuMemoryTests
{
    [Theory]
    [InlineData("7.2.22", false, 0)]
    [InlineData("6.2.0", false, 0)]
    [InlineData("9.0.0", false, 50)]
    [InlineData("10.1.2", false, 50)]
    [InlineData("7.2.22", true, 50)]
    [InlineData("8.2.2", true, 50)]
    public void AGuestStandsStillNoLongerThanItsMemoryNeeds(string version, bool hasKvm, int milliseconds) =>
        Assert.Equal(milliseconds, QemuMemory.DowntimeLimit(version, hasKvm));

    [Theory]
    [InlineData("8.0.0")]
    [InlineData("8.2.2")]
    public void AQemuThatWouldDamageTheMemoryMigratesNothing(string version)
    {
        var error = Assert.Throws<IaaSException>(() => QemuMemory.DowntimeLimit(version, hasKvm: false));
        Assert.Equal(("MigrationWouldDamage", ErrorKind.NotSupported), (error.ErrorId, error.Kind));
        Assert.Contains("-AllowRestart", error.Remedy, StringComparison.Ordinal);
    }
}
