using AzureIaaS.Guests.Testing;

namespace AzureIaaS.Demo;

/// <summary>
/// The main job before one's eyes: two disk images, as VMware and Hyper-V would have exported them, become two running machines, and one
/// of them is stopped and started to show that it remembers. In PowerShell where there is one, else with <c>iaas</c>.
/// </summary>
internal static class Program
{
    private static async Task<int> Main()
    {
        using var stop = new CancellationTokenSource();
        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = true;
            stop.Cancel();
        };
        try
        {
            using var stage = new DemoStage();
            try
            {
                await RunAsync(stage, stop.Token);
                stage.PrintTable();
                return 0;
            }
            finally
            {
                await stage.CleanUpAsync();
            }
        }
        catch (Exception e) when (e is DemoFailedException or GuestBuildException)
        {
            await Console.Error.WriteLineAsync("demo: " + e.Message);
            return 1;
        }
        catch (OperationCanceledException)
        {
            await Console.Error.WriteLineAsync("demo: interrupted; everything it made has been removed.");
            return 130;
        }
    }

    private static async Task RunAsync(DemoStage stage, CancellationToken cancellation)
    {
        var (vmdk, vhdx) = (Path.Combine(stage.Folder, "web01.vmdk"), Path.Combine(stage.Folder, "web02.vhdx"));
        Console.WriteLine($"Commands are run in {stage.Shell.Name}.");
        await stage.StepAsync("make a small Linux guest (built once, then cached)", async () =>
        {
            var disk = await LinuxGuest.BuildAsync(LinuxGuestKind.Bios, cancellation: cancellation);
            await stage.QemuImgAsync(["convert", "-f", "raw", "-O", "vmdk", "-o", "subformat=streamOptimized", disk, vmdk], cancellation);
            await stage.QemuImgAsync(["convert", "-f", "raw", "-O", "vhdx", "-o", "subformat=dynamic", disk, vhdx], cancellation);
        });
        await stage.CommandAsync(stage.Shell.Import(vmdk), cancellation);
        await stage.CommandAsync(stage.Shell.Import(vhdx), cancellation);
        await stage.CommandAsync(stage.Shell.StartAndWait("web01", "guest: ready"), cancellation);
        await stage.CommandAsync(stage.Shell.StartAndWait("web02", "guest: ready"), cancellation);
        await stage.CommandAsync(stage.Shell.Console("web01"), cancellation);
        var first = stage.BootCounter();
        await stage.CommandAsync(stage.Shell.Stop("web01"), cancellation);
        await stage.CommandAsync(stage.Shell.StartAndWait("web01", "guest: ready"), cancellation);
        await stage.CommandAsync(stage.Shell.Console("web01"), cancellation);
        var second = stage.BootCounter();
        await stage.CommandAsync(stage.Shell.List(), cancellation);
        if ((first, second) != (1, 2))
            throw new DemoFailedException($"web01's boot counter should have gone from 1 to 2 and went from {first} to {second}.");
        Console.WriteLine($"\nweb01's boot counter went from {first} to {second}: its disk remembers.\n");
    }
}

/// <summary>The demo did not show what it is to show.</summary>
/// <param name="message">What went wrong.</param>
internal sealed class DemoFailedException(string message) : Exception(message);
