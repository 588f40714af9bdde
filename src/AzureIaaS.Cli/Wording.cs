using System.Text.RegularExpressions;

namespace AzureIaaS.Cli;

/// <summary>Messages come from Core and name cmdlets and their parameters; here they are said in this program's own words.</summary>
internal static partial class Wording
{
    private static readonly Dictionary<string, string> Commands = new()
    {
        ["Connect-IaaS"] = "connect",
        ["Disconnect-IaaS"] = "disconnect",
        ["Get-IaaSContext"] = "context",
        ["Get-IaaSImage"] = "image",
        ["Get-IaaSOperation"] = "operation list",
        ["Get-IaaSVm"] = "list",
        ["Get-IaaSVmConsole"] = "console",
        ["Import-IaaSVm"] = "import",
        ["Remove-IaaSVm"] = "remove",
        ["Restart-IaaSVm"] = "restart",
        ["Resume-IaaSOperation"] = "operation resume",
        ["Resume-IaaSVm"] = "resume",
        ["Start-IaaSVm"] = "start",
        ["Stop-IaaSVm"] = "stop",
        ["Undo-IaaSOperation"] = "operation undo",
        ["Watch-IaaSFabric"] = "fabric watch",
        ["Wait-IaaSVm"] = "wait",
    };

    /// <summary>Says a message in the words of the command line.</summary>
    /// <param name="text">The message.</param>
    public static string ForShell(string text)
    {
        text = text.Replace("Connect-IaaS -Local", "Connect-IaaS", StringComparison.Ordinal);
        text = Cmdlet().Replace(text, m => Commands.TryGetValue(m.Value, out var command) ? "iaas " + command : m.Value);
        return Parameter().Replace(text, m => "--" + WordStart().Replace(m.Groups[1].Value, "-$1").TrimStart('-').ToLowerInvariant()
            .Replace("disk-controller", "controller", StringComparison.Ordinal));
    }

    [GeneratedRegex(@"\b[A-Z][a-z]+-IaaS\w*", RegexOptions.CultureInvariant)]
    private static partial Regex Cmdlet();

    [GeneratedRegex(@"(?<=^|\s)-([A-Z][A-Za-z]+)\b", RegexOptions.CultureInvariant)]
    private static partial Regex Parameter();

    [GeneratedRegex("([A-Z])", RegexOptions.CultureInvariant)]
    private static partial Regex WordStart();
}
