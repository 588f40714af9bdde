namespace AzureIaaS.Demo;

/// <summary>How the same things are said in a shell.</summary>
internal abstract class DemoShell
{
    /// <summary>The shell's name, for the reader.</summary>
    public abstract string Name { get; }

    public abstract string Import(string path);

    public abstract string StartAndWait(string vm, string pattern);

    public abstract string Stop(string vm);

    public abstract string Console(string vm);

    public abstract string List();

    public abstract string RemoveAll();

    /// <summary>The program and arguments that run a command.</summary>
    /// <param name="command">The command, as a user types it.</param>
    public abstract (string Program, string[] Arguments) ToRun(string command);
}

/// <summary>PowerShell with the module.</summary>
/// <param name="root">The project's folder.</param>
internal sealed class PowerShellDemo(string root) : DemoShell
{
    public override string Name => "PowerShell";

    public override string Import(string path) => $"Import-IaaSVm '{path}' -Memory 256MB";

    public override string StartAndWait(string vm, string pattern) => $"Start-IaaSVm {vm} -Wait -Pattern '{pattern}'";

    public override string Stop(string vm) => $"Stop-IaaSVm {vm}";

    public override string Console(string vm) => $"Get-IaaSVmConsole {vm} | Select-String '^guest: (boot|ready)' | Select-Object -Last 2";

    public override string List() => "Get-IaaSVm";

    public override string RemoveAll() => "Get-IaaSVm | Remove-IaaSVm -Force -Confirm:$false";

    public override (string Program, string[] Arguments) ToRun(string command) =>
        ("pwsh", ["-NoProfile", "-NonInteractive", "-Command",
            $"$ErrorActionPreference = 'Stop'; $ProgressPreference = 'SilentlyContinue'; $PSStyle.OutputRendering = 'PlainText'; "
            + $"Import-Module '{Path.Combine(root, "AzureIaaS.psd1")}'; {command} | Out-String -Width 140 | ForEach-Object Trim"]);
}

/// <summary>The command line, in any shell.</summary>
/// <param name="root">The project's folder.</param>
internal sealed class CommandLineDemo(string root) : DemoShell
{
    public override string Name => "bash (there is no pwsh on the PATH)";

    public override string Import(string path) => $"./iaas import '{path}' --memory 256MB -o table";

    public override string StartAndWait(string vm, string pattern) => $"./iaas start {vm} --wait --pattern '{pattern}' -o table";

    public override string Stop(string vm) => $"./iaas stop {vm} -o table";

    public override string Console(string vm) => $"./iaas console {vm} | grep -E '^guest: (boot|ready)' | tail -2";

    public override string List() => "./iaas list -o table";

    public override string RemoveAll() => "./iaas list | ./iaas remove --force";

    public override (string Program, string[] Arguments) ToRun(string command) => ("bash", ["-c", $"cd '{root}' && {command}"]);
}
