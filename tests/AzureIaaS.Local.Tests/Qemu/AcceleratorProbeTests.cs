using AzureIaaS.Local.Hypervisors.Qemu;

namespace AzureIaaS.Local.Tests.Qemu;

public sealed class AcceleratorProbeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("azureiaas-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private AcceleratorProbe Probe(string program) => new(program, Path.Combine(_folder, "qemu.json"));

    [Fact]
    public async Task TheGuestRunsToItsEndAndLeavesNoDisk()
    {
        Assert.True(await Probe(QemuInstallation.FindProgram()).RunsGuestsAsync(Accelerator.Tcg, CancellationToken.None));
        Assert.Empty(Directory.GetFiles(_folder));
    }

    [Fact]
    public async Task AQemuWhoseGuestDoesNotRunIsTold() =>
        Assert.False(await Probe("/bin/true").RunsGuestsAsync(Accelerator.Kvm, CancellationToken.None));

    [Theory]
    [InlineData("flags\t\t: fpu vme de vmx smx est", true)]
    [InlineData("flags\t\t: fpu svm", true)]
    [InlineData("flags\t\t: fpu avx512f hypervisor svm_lock", false)]
    [InlineData("vmx flags\t: vnmi preemption_timer", false)]
    [InlineData("Features\t: fp asimd", false)]
    public void VirtualizationIsReadFromTheProcessorsFlags(string line, bool virtualizes) =>
        Assert.Equal(virtualizes, AcceleratorProbe.Virtualizes(["processor\t: 0", line, "bugs\t\t: none"]));
}
