using System.Text.RegularExpressions;

namespace AzureIaaS.Cli;

/// <summary>Messages come from Core and name cmdlets and their parameters; here they are said in this program's own words.</summary>
internal static partial class Wording
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
        ["Get-IaaSFailover"] = "failover --list",
        ["Get-IaaSHost"] = "host list",
        ["Get-IaaSImage"] = "image",
        ["Get-IaaSNetwork"] = "network list",
        ["Get-IaaSOperation"] = "operation list",
        ["Get-IaaSOrphan"] = "orphan list",
        ["Get-IaaSSite"] = "site list",
        ["Get-IaaSSiteConfiguration"] = "site configuration",
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
        ["New-IaaSSite"] = "site add",
        ["Remove-IaaSHost"] = "host remove",
        ["Remove-IaaSNetwork"] = "network remove",
        ["Remove-IaaSOrphan"] = "orphan remove",
        ["Remove-IaaSSite"] = "site remove",
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
        ["Test-IaaSDomainJoin"] = "site domain",
        ["Test-IaaSVmReadiness"] = "readiness",
        ["Undo-IaaSOperation"] = "operation undo",
        ["Watch-IaaSFabric"] = "fabric watch",
        ["Wait-IaaSVm"] = "wait",
    };

    /// <summary>Says a message in the words of the command line.</summary>
    /// <param name="text">The message.</param>
    public static string ForShell(string text)
    {
        text = text.Replace("Connect-IaaS -Local", "Connect-IaaS", StringComparison.Ordinal).Replace("-OSType", "-OsType", StringComparison.Ordinal);
        text = Cmdlet().Replace(text, m => Commands.TryGetValue(m.Value, out var command) ? "iaas " + command : m.Value);
        return Parameter().Replace(text, m => "--" + WordStart().Replace(m.Groups[1].Value, "-$1").TrimStart('-').ToLowerInvariant()
            .Replace("i-p-address", "ip-address", StringComparison.Ordinal)
            .Replace("disk-controller", "controller", StringComparison.Ordinal).Replace("return-machine", "return-machines", StringComparison.Ordinal)
            .Replace("certificate-password", "certificate-password-file", StringComparison.Ordinal));
    }

    [GeneratedRegex(@"\b[A-Z][a-z]+-IaaS\w*", RegexOptions.CultureInvariant)]
    private static partial Regex Cmdlet();

    [GeneratedRegex(@"(?<=^|\s)-([A-Z][A-Za-z]+)\b", RegexOptions.CultureInvariant)]
    private static partial Regex Parameter();

    [GeneratedRegex("([A-Z])", RegexOptions.CultureInvariant)]
    private static partial Regex WordStart();
}
