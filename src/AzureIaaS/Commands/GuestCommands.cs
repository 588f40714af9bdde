using System.Diagnostics;
using System.Management.Automation;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>The shell that a command is run by in a guest.</summary>
public enum GuestShell
{
    /// <summary>/bin/sh.</summary>
    Sh,

    /// <summary>Windows PowerShell.</summary>
    PowerShell,

    /// <summary>cmd.exe.</summary>
    Cmd,
}

/// <summary>Get-IaaSVmScreenshot: takes a picture of a guest's display.</summary>
[Cmdlet(VerbsCommon.Get, "IaaSVmScreenshot")]
[OutputType(typeof(FileInfo))]
public sealed class GetVmScreenshotCommand : VmCmdlet
{
    private readonly HashSet<string> _written = [];

    /// <summary>The PNG file to write, or the folder to write NAME.png into; the current folder when left out.</summary>
    [Parameter(Position = 1)]
    [ValidateNotNullOrEmpty]
    public string? Path { get; set; }

    /// <summary>Open the picture with whatever shows pictures here.</summary>
    [Parameter]
    public SwitchParameter Show { get; set; }

    private protected override void Process(IaaSSession session, VirtualMachine machine)
    {
        var path = SessionState.Path.GetUnresolvedProviderPathFromPSPath(Path ?? ".");
        if (Directory.Exists(path))
            path = System.IO.Path.Combine(path, machine.Name + ".png");
        if (!Directory.Exists(System.IO.Path.GetDirectoryName(path)))
            throw new IaaSException(ErrorKind.NotFound, "FolderNotFound", $"There is no folder {System.IO.Path.GetDirectoryName(path)}.", "Make it first, or give the path of another one with -Path.", path);
        if (!_written.Add(path))
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "SeveralPicturesOneFile", $"{path} has just been written, for another machine.",
                "Give a folder as -Path; each machine's picture is then named after it.", machine.Name);
        }

        File.WriteAllBytes(path, Await(c => Ability.Of<IGuestProvider>(session, "pictures of guests").ScreenshotAsync(machine.Id, c)));
        WriteObject(InvokeProvider.Item.Get(WildcardPattern.Escape(path)), enumerateCollection: true);
        if (Show)
            System.Diagnostics.Process.Start(new ProcessStartInfo(path) { UseShellExecute = true })?.Dispose();
    }
}

/// <summary>Invoke-IaaSVmCommand: runs a command in guests through their agents.</summary>
[Cmdlet(VerbsLifecycle.Invoke, "IaaSVmCommand", SupportsShouldProcess = true, DefaultParameterSetName = "Command")]
[OutputType(typeof(VmCommandResult))]
public sealed class InvokeVmCommandCommand : VmCmdlet
{
    /// <summary>The command line, run by the guest's shell.</summary>
    [Parameter(Mandatory = true, Position = 1, ParameterSetName = "Command")]
    [ValidateNotNullOrEmpty]
    public string Command { get; set; } = "";

    /// <summary>The shell that runs it.</summary>
    [Parameter(ParameterSetName = "Command")]
    public GuestShell Shell { get; set; }

    /// <summary>The path of a program in the guest, run without a shell.</summary>
    [Parameter(Mandatory = true, ParameterSetName = "Program")]
    [ValidateNotNullOrEmpty]
    public string FilePath { get; set; } = "";

    /// <summary>The program's arguments.</summary>
    [Parameter(ParameterSetName = "Program")]
    public string[] ArgumentList { get; set; } = [];

    /// <summary>How long it may take, in seconds.</summary>
    [Parameter]
    [ValidateRange(1, int.MaxValue / 1000)]
    public int Timeout { get; set; } = 300;

    /// <summary>In how many machines it runs at once.</summary>
    [Parameter]
    [ValidateRange(1, 1000)]
    public int ThrottleLimit { get; set; } = 32;

    private protected override int Parallelism => ThrottleLimit;

    private protected override void Process(IaaSSession session, VirtualMachine machine)
    {
        var (program, arguments) = ParameterSetName == "Program" ? (FilePath, ArgumentList) : Shell switch
        {
            GuestShell.PowerShell => ("powershell.exe", ["-NoProfile", "-NonInteractive", "-Command", Command]),
            GuestShell.Cmd => ("cmd.exe", ["/c", Command]),
            _ => ("/bin/sh", new[] { "-c", Command }),
        };
        if (ShouldProcess(machine.Name, $"Run {program} {string.Join(' ', arguments)}"))
        {
            Begin(machine.Name, async c => Output.Write(
                await Ability.Of<IGuestProvider>(session, "commands in guests").RunCommandAsync(machine.Id, program, arguments, TimeSpan.FromSeconds(Timeout), c)));
        }
    }
}
