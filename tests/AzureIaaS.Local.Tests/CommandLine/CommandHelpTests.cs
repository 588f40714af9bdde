using System.Text.RegularExpressions;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Sessions;

namespace AzureIaaS.Local.Tests.CommandLine;

/// <summary>Every cmdlet has a command, and every command says what it is for.</summary>
public partial class CommandHelpTests
{
    private static readonly Dictionary<string, string> Commands = new()
    {
        ["Add-IaaSVmDisk"] = "disk add",
        ["Checkpoint-IaaSVm"] = "checkpoint add",
        ["Compare-IaaSReport"] = "compare",
        ["Complete-IaaSVmImport"] = "complete",
        ["Connect-IaaS"] = "connect",
        ["Convert-IaaSImage"] = "image convert",
        ["Disconnect-IaaS"] = "disconnect",
        ["Export-IaaSReport"] = "report",
        ["Export-IaaSVm"] = "export",
        ["Exit-IaaSNetwork"] = "network exit",
        ["Get-IaaSContext"] = "context",
        ["Get-IaaSFailover"] = "failover",
        ["Get-IaaSHost"] = "host list",
        ["Get-IaaSImage"] = "image",
        ["Get-IaaSNetwork"] = "network list",
        ["Get-IaaSOperation"] = "operation list",
        ["Get-IaaSOrphan"] = "orphan list",
        ["Get-IaaSVm"] = "list",
        ["Get-IaaSVmCheckpoint"] = "checkpoint list",
        ["Get-IaaSVmConsole"] = "console",
        ["Get-IaaSVmDisk"] = "disk list",
        ["Get-IaaSVmScreenshot"] = "screenshot",
        ["Get-IaaSVmReadiness"] = "readiness",
        ["Import-IaaSVm"] = "import",
        ["Invoke-IaaSFailover"] = "failover",
        ["Invoke-IaaSVmCommand"] = "run",
        ["Join-IaaSNetwork"] = "network join",
        ["Measure-IaaSAvailability"] = "measure",
        ["Move-IaaSVm"] = "move",
        ["New-IaaSHost"] = "host add",
        ["New-IaaSNetwork"] = "network add",
        ["Remove-IaaSHost"] = "host remove",
        ["Remove-IaaSNetwork"] = "network remove",
        ["Remove-IaaSOrphan"] = "orphan remove",
        ["Remove-IaaSVm"] = "remove",
        ["Remove-IaaSVmCheckpoint"] = "checkpoint remove",
        ["Remove-IaaSVmDisk"] = "disk remove",
        ["Restart-IaaSVm"] = "restart",
        ["Restore-IaaSVmCheckpoint"] = "checkpoint restore",
        ["Resume-IaaSHost"] = "host resume",
        ["Resume-IaaSOperation"] = "operation resume",
        ["Resume-IaaSVm"] = "resume",
        ["Set-IaaSNetwork"] = "network peer",
        ["Set-IaaSVm"] = "set",
        ["Start-IaaSVm"] = "start",
        ["Stop-IaaSHost"] = "host stop",
        ["Stop-IaaSVm"] = "stop",
        ["Suspend-IaaSHost"] = "host suspend",
        ["Suspend-IaaSVm"] = "suspend",
        ["Test-IaaSVmReadiness"] = "readiness",
        ["Undo-IaaSOperation"] = "operation undo",
        ["Wait-IaaSVm"] = "wait",
        ["Watch-IaaSFabric"] = "fabric watch",
    };

    [Fact]
    public void EveryCmdletOfTheModuleIsACommand()
    {
        var exported = CmdletName().Matches(File.ReadAllText(Path.Combine(Iaas.Root(), "AzureIaaS.psd1"))).Select(m => m.Groups[1].Value);
        Assert.Equal(exported.Order(StringComparer.Ordinal), Commands.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task EveryCommandExplainsItselfAndAllThatItTakes()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        foreach (var command in Commands.Values.Distinct())
        {
            var (exitCode, output, error) = await Iaas.RunAsync(fabric, [.. command.Split(' '), "--help"]);
            Assert.True(exitCode == 0, $"{command}: {error}");
            var lines = output.Split('\n');
            var description = lines[1].Trim();
            Assert.True(description.Split(' ').Length >= 3 && description.EndsWith('.'), $"{command} says too little: {description}");
            Assert.Matches($"iaas {command.Replace(" ", @"( \[.*\])? ", StringComparison.Ordinal)}", output);
            foreach (var line in lines.Where(l => Taken().IsMatch(l)))
                Assert.True(Explained().IsMatch(line), $"{command} does not explain: {line}");
        }
    }

    [Fact]
    public async Task TheHelpNamesEveryCommandAndEveryExitCode()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        var (exitCode, output, _) = await Iaas.RunAsync(fabric, "--help");
        Assert.Equal(0, exitCode);
        foreach (var command in Commands.Values.Select(c => c.Split(' ')[0]).Distinct())
            Assert.Matches(new Regex($@"(?m)^  (\w+, )?{command}( <|  )"), output);
        for (var code = 2; code <= 12; code++)
            Assert.Matches(new Regex($@"\b{code} [a-z]"), output);
    }

    [Fact]
    public async Task ACommandThatIsNoneIsAWrongArgument()
    {
        using var fabric = new TestFabric(HypervisorKind.Simulated);
        foreach (var wrong in new[] { "fly", "host fly", "host add", "checkpoint add vm", "disk add vm", "move vm --to host1", "host stop host1", "remove * --keepdisks", "stop -F web01", "host suspend * --roling", "import a.raw --nmae b" })
            Assert.Equal(2, (await Iaas.RunAsync(fabric, wrong.Split(' '))).ExitCode);
    }

    [GeneratedRegex(@"'(\w+-IaaS\w*)'", RegexOptions.CultureInvariant)]
    private static partial Regex CmdletName();

    [GeneratedRegex(@"^  (<|-)", RegexOptions.CultureInvariant)]
    private static partial Regex Taken();

    [GeneratedRegex(@"^  .*\S\s{2,}\S+ \S", RegexOptions.CultureInvariant)]
    private static partial Regex Explained();
}
