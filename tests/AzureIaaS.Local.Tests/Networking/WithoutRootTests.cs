using AzureIaaS.Local.Processes;
using AzureIaaS.Local.Tests.Support;

namespace AzureIaaS.Local.Tests.Networking;

/// <summary>Networks and sites where root or strongSwan are missing: what needs neither works, and what does says what to do.</summary>
public sealed class WithoutRootTests : IDisposable
{
    private const string Nobody = "65534";

    private readonly string _folder = Directory.CreateTempSubdirectory("azureiaas-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public async Task AnUnprivilegedUserHasNetworksAndIsToldWhatTheRestNeeds()
    {
        await SkipUnlessAsync(AsNobody("--version"));
        Assert.Equal(0, (await AsNobody("connect", "--path", Fabric, "--hypervisor", "Qemu", "--name", "test")).ExitCode);
        Assert.Equal(0, (await AsNobody("network", "add", "corp", "--subnet", "10.20.0.0/24")).ExitCode);
        var added = await AsNobody(Add);
        Assert.Equal(0, added.ExitCode);
        Assert.Contains("hq is remembered, and not connected: ", added.Error, StringComparison.Ordinal);
        AssertSaysHowToDoWithout(added.Error);
        AssertSaysHowToDoWithout((await AsNobody("site", "list")).Output);
        var gateway = await AsNobody("site", "gateway");
        Assert.NotEqual(0, gateway.ExitCode);
        AssertSaysHowToDoWithout(gateway.Error);
        var shell = await AsNobody("network", "shell", "corp", "--", "true");
        Assert.NotEqual(0, shell.ExitCode);
        Assert.Contains("sudo", shell.Error, StringComparison.Ordinal);
        Assert.Equal(0, (await AsNobody("site", "remove", "hq")).ExitCode);

        static void AssertSaysHowToDoWithout(string said)
        {
            Assert.Contains("only root on Linux may change", said, StringComparison.Ordinal);
            Assert.Contains("sudo", said, StringComparison.Ordinal);
            Assert.Contains("publish-port", said.Replace("-PublishPort", "publish-port", StringComparison.Ordinal), StringComparison.Ordinal);
        }
    }

    [SkippableFact]
    public async Task RootWithoutStrongSwanOrTheTunnelsDeviceIsToldWhatToInstall()
    {
        await SkipUnlessAsync(Without("/dev/net", "--version"));
        foreach (var (hidden, words) in new[] { ("/usr/sbin /usr/local/sbin", "apt install charon-systemd libcharon-extra-plugins libstrongswan-standard-plugins"), ("/dev/net", "modprobe tun") })
        {
            var gateway = await Without(hidden, "site", "gateway", "--path", Fabric, "--hypervisor", "Qemu");
            Assert.NotEqual(0, gateway.ExitCode);
            Assert.Contains(words, gateway.Error, StringComparison.Ordinal);
        }
    }

    private string Fabric => Path.Combine(_folder, "fabric");

    private static string[] Add => ["site", "add", "hq", "--network", "corp", "--subnet", "192.168.10.0/24", "--gateway-address", "203.0.113.7", "--local-address", "203.0.113.1"];

    private static async Task SkipUnlessAsync(Task<ProgramResult> trial)
    {
        Skip.IfNot(Environment.UserName == "root" && OperatingSystem.IsLinux(), "only root can be somebody else, or hide folders");
        var result = await trial;
        Skip.IfNot(result.ExitCode == 0, $"it cannot be tried here: {result.Error}");
    }

    /// <summary>Runs the command line as a user without rights.</summary>
    private async Task<ProgramResult> AsNobody(params string[] arguments)
    {
        var own = $"chown -R {Nobody}:{Nobody} '{_folder}' && cd '{_folder}' && exec env HOME='{_folder}' XDG_CONFIG_HOME='{_folder}/config' XDG_DATA_HOME='{_folder}/data' DOTNET_BUNDLE_EXTRACT_BASE_DIR='{_folder}' "
            + $"setpriv --reuid={Nobody} --regid={Nobody} --clear-groups \"$@\"";
        return await ProgramRun.RunAsync("sh", ["-c", own, "sh", Iaas.Program, .. arguments], TimeSpan.FromMinutes(2), CancellationToken.None);
    }

    /// <summary>Runs the command line as root where folders are empty.</summary>
    private static Task<ProgramResult> Without(string folders, params string[] arguments)
    {
        var hide = $"mount --make-rprivate / && for f in {folders}; do mount -t tmpfs none $f || exit 9; done && exec \"$@\"";
        return ProgramRun.RunAsync("unshare", ["--mount", "sh", "-c", hide, "sh", Iaas.Program, .. arguments], TimeSpan.FromMinutes(2), CancellationToken.None);
    }
}
