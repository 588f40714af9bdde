using System.Collections.Concurrent;
using System.Globalization;

namespace AzureIaaS.Guests.Testing;

/// <summary>The firmware that a Linux guest's disk boots from.</summary>
public enum LinuxGuestKind
{
    /// <summary>A BIOS: an MBR with GRUB.</summary>
    Bios,

    /// <summary>UEFI: a GPT with an EFI system partition and systemd-boot.</summary>
    Uefi,
}

/// <summary>Which of Debian's kernels a Linux guest runs.</summary>
public enum LinuxGuestKernel
{
    /// <summary>
    /// The cloud kernel: boots sooner; IDE, virtio, NVMe, pvscsi and Hyper-V disks, virtio and vmxnet3 network cards. It has no AHCI.
    /// </summary>
    Cloud,

    /// <summary>The generic kernel: also AHCI and older SCSI disks; e1000, e1000e and older network cards.</summary>
    Generic,
}

/// <summary>
/// A small Linux of Debian's kernel and busybox for tests that need a real operating system. Its disk is built once from Debian's
/// packages, without root, and cached; a build that was cut off or failed leaves nothing behind that is taken for a disk.
/// </summary>
/// <remarks>
/// On the serial console: <c>guest: boot N</c>, <c>guest: ready</c>, then <c>guest: tick M</c> every second, each number being on the
/// disk before it is printed; <c>guest: power button</c> before it powers off cleanly, which takes two seconds. Every network card
/// asks for an address by DHCP, and <c>guest: address A.B.C.D</c> says which it got. A line sent to the console is run by the shell and
/// answered with <c>guest: > LINE</c>, a line <c>guest: | OUTPUT</c> for each line of its output, and <c>guest: done STATUS</c>.
/// </remarks>
public static class LinuxGuest
{
    private const string BootCountFile = "/boot-count";
    private const string TickCountFile = "/ticks";
    private const int MissingTools = 3;

    private static readonly ConcurrentDictionary<(LinuxGuestKind, LinuxGuestKernel), string> Built = new();

    private static string Script => Path.Combine(AppContext.BaseDirectory, "linux", "build-guest.sh");

    /// <summary>The tools that building the guest takes and that are not installed; none where it can be built.</summary>
    public static async Task<IReadOnlyList<MissingTool>> FindMissingAsync(CancellationToken cancellation = default)
    {
        if (!OperatingSystem.IsLinux())
            return [new MissingTool("bash", "bash")];
        var result = await HostTool.RunAsync("bash", [Script, "--check"], cancellation);
        return result.ExitCode is 0 or MissingTools
            ? [.. result.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(MissingTool.Parse)]
            : throw new GuestBuildException($"What building the Linux guest takes could not be found out. {result.Error.Trim()}", []);
    }

    /// <summary>Builds the guest's disk, or finds it in the cache. Many may build at once, in one process or several.</summary>
    /// <param name="kind">The firmware it boots from.</param>
    /// <param name="kernel">The kernel it runs.</param>
    /// <param name="cancellation">Ends the build; nothing of it stays.</param>
    /// <returns>The path of the raw disk, 512 MiB long and sparse. It is for copying: others use it too, so nothing writes to it.</returns>
    /// <exception cref="GuestBuildException">It cannot be built here; the message says why and what would help.</exception>
    public static async Task<string> BuildAsync(LinuxGuestKind kind, LinuxGuestKernel kernel = LinuxGuestKernel.Cloud,
        CancellationToken cancellation = default)
    {
        if (Built.TryGetValue((kind, kernel), out var known) && File.Exists(known))
            return known;
        var missing = await FindMissingAsync(cancellation);
        if (missing.Count > 0)
            throw GuestBuildException.ForMissing(missing);
        var kernelName = kernel == LinuxGuestKernel.Cloud ? "cloud" : "generic";
        var kindName = kind == LinuxGuestKind.Bios ? "bios" : "uefi";
        var result = await HostTool.RunAsync("bash", [Script, "--kernel", kernelName, kindName], cancellation);
        if (result.ExitCode != 0)
            throw new GuestBuildException($"The Linux guest could not be built. {result.Error.Trim()}", []);
        return Built[(kind, kernel)] = result.Output.Trim();
    }

    /// <summary>Makes a disk of one's own with the guest on it, built if need be.</summary>
    /// <param name="path">The raw, sparse file to make; one that exists is replaced.</param>
    /// <param name="kind">The firmware it boots from.</param>
    /// <param name="kernel">The kernel it runs.</param>
    /// <param name="cancellation">Ends the work.</param>
    /// <exception cref="GuestBuildException">It cannot be built here; the message says why and what would help.</exception>
    public static async Task CreateAsync(string path, LinuxGuestKind kind, LinuxGuestKernel kernel = LinuxGuestKernel.Cloud,
        CancellationToken cancellation = default)
    {
        var built = await BuildAsync(kind, kernel, cancellation);
        // Holes stay holes, and the copy can be written to, unlike its original.
        string[] arguments = ["--sparse=always", "--reflink=auto", "--no-preserve=mode", "--remove-destination", built, path];
        var result = await HostTool.RunAsync("cp", arguments, cancellation);
        if (result.ExitCode != 0)
            throw new IOException($"The Linux guest's disk could not be copied to '{path}'. {result.Error.Trim()}");
    }

    /// <summary>How often the guest on a raw disk has booted.</summary>
    /// <param name="path">The disk; it may be in use by a running machine, or have been left by one that died.</param>
    public static uint ReadBootCount(string path) => ReadNumber(path, BootCountFile);

    /// <summary>The number of the last tick that the guest on a raw disk has acknowledged, or was about to.</summary>
    /// <param name="path">The disk; it may be in use by a running machine, or have been left by one that died.</param>
    public static uint ReadTickCount(string path) => ReadNumber(path, TickCountFile);

    private static uint ReadNumber(string path, string file)
    {
        var text = ReadFile(path, file);
        return uint.TryParse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new InvalidDataException($"'{file}' on the disk '{path}' holds no number but '{text.Trim()}'.");
    }

    /// <summary>Reads a file of the guest's root file system from its raw disk, without mounting it.</summary>
    /// <param name="path">The disk. What a running guest has not written yet, and what only its journal holds, is not seen.</param>
    /// <param name="file">The file's path in the guest.</param>
    public static string ReadFile(string path, string file)
    {
        var result = HostTool.Run("debugfs", ["-R", $"cat \"{file}\"", $"{path}?offset={RootPartition.FindOffset(path)}"]);
        // debugfs ends with success whatever happens, and says its version on the error stream before anything else.
        var complaints = result.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Where(line => !line.StartsWith("debugfs 1.", StringComparison.Ordinal));
        var complaint = string.Join(' ', complaints);
        return result.ExitCode == 0 && complaint.Length == 0
            ? result.Output
            : throw new IOException($"'{file}' could not be read from the disk '{path}'. {complaint}");
    }

    /// <summary>Writes a file into the guest's root file system on its raw disk, without mounting it; folders on its way are made.</summary>
    /// <param name="path">The disk, of a machine that does not run.</param>
    /// <param name="file">The file's path in the guest.</param>
    /// <param name="text">What it is to hold.</param>
    public static void WriteFile(string path, string file, string text)
    {
        ArgumentNullException.ThrowIfNull(file);
        var source = Path.GetTempFileName();
        try
        {
            File.WriteAllText(source, text);
            var disk = $"{path}?offset={RootPartition.FindOffset(path)}";
            for (var slash = file.IndexOf('/', 1); slash > 0; slash = file.IndexOf('/', slash + 1))
                HostTool.Run("debugfs", ["-w", "-R", $"mkdir \"{file[..slash]}\"", disk]);
            HostTool.Run("debugfs", ["-w", "-R", $"write \"{source}\" \"{file}\"", disk]);
        }
        finally
        {
            File.Delete(source);
        }

        if (ReadFile(path, file) != text)
            throw new IOException($"'{file}' could not be written to the disk '{path}'.");
    }
}
