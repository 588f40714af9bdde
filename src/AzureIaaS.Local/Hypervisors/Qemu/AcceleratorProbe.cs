using System.Text.Json;
using System.Text.Json.Serialization;
using AzureIaaS.Local.Processes;

namespace AzureIaaS.Local.Hypervisors.Qemu;

/// <summary>What runs the guests' code.</summary>
/// <param name="Name">QEMU's name for it: <c>kvm</c> or <c>tcg</c>.</param>
/// <param name="Cpu">The processor to show to the guest.</param>
internal sealed record Accelerator(string Name, string Cpu)
{
    public static Accelerator Kvm { get; } = new("kvm", "host");

    /// <summary>Several threads of translated code, one for each virtual processor.</summary>
    public static Accelerator Tcg { get; } = new("tcg,thread=multi", "max");
}

/// <summary>What is known of the QEMU on this machine.</summary>
/// <param name="Key">Which QEMU, and which kernel: what the rest depends on.</param>
/// <param name="AcceleratorName">The accelerator that a guest really boots with.</param>
/// <param name="MachineType">The newest version of the virtual hardware.</param>
internal sealed record QemuFacts(string Key, string AcceleratorName, string MachineType);

/// <summary>
/// Finds out by trying. /dev/kvm can be openable, and KVM present and enabled, where no guest boots; so a guest of one sector is booted, and KVM
/// is taken only if that guest has run. The answer is remembered for this QEMU and this kernel.
/// </summary>
internal sealed class AcceleratorProbe(string program, string cacheFile)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    /// <summary>A boot sector that leaves QEMU through its debug exit: mov dx,0x501; mov al,0x31; out dx,al; hlt.</summary>
    private static ReadOnlySpan<byte> Guest => [0xBA, 0x01, 0x05, 0xB0, 0x31, 0xEE, 0xF4];

    private const int GuestRan = (0x31 << 1) | 1;

    /// <summary>Answers from memory, or tries.</summary>
    /// <param name="cancellation">Stops trying.</param>
    public async Task<QemuFacts> AskAsync(CancellationToken cancellation)
    {
        var info = new FileInfo(program);
        var key = $"{info.FullName}|{info.Length}|{info.LastWriteTimeUtc.Ticks}|{Environment.OSVersion.VersionString}|{File.Exists("/dev/kvm")}";
        if (Remembered() is { } known && known.Key == key)
            return known;
        var type = await NewestMachineTypeAsync(cancellation);
        var accelerator = await KvmRunsGuestsAsync(cancellation) ? Accelerator.Kvm : Accelerator.Tcg;
        var facts = new QemuFacts(key, accelerator.Name, type);
        Remember(facts);
        return facts;
    }

    /// <summary>The accelerator of a name.</summary>
    /// <param name="name">The name.</param>
    public static Accelerator Of(string name) => name == Accelerator.Kvm.Name ? Accelerator.Kvm : Accelerator.Tcg;

    private async Task<bool> KvmRunsGuestsAsync(CancellationToken cancellation)
    {
        if (!CanOpen("/dev/kvm"))
            return false;
        var disk = Path.Combine(Path.GetDirectoryName(cacheFile)!, $"probe-{Guid.NewGuid():N}.img");
        try
        {
            var sector = new byte[64 << 10];
            Guest.CopyTo(sector);
            (sector[510], sector[511]) = (0x55, 0xAA);
            await File.WriteAllBytesAsync(disk, sector, cancellation);
            var result = await ProgramRun.RunAsync(program,
                [
                    "-nodefaults", "-no-user-config", "-display", "none", "-machine", "pc", "-accel", "kvm", "-cpu", "host", "-m", "32",
                    "-device", "isa-debug-exit,iobase=0x501,iosize=1", "-drive", $"file={QemuCommandLine.Escape(disk)},format=raw,if=ide", "-boot", "c",
                ], Limit, cancellation);
            return result.ExitCode == GuestRan;
        }
        finally
        {
            File.Delete(disk);
        }
    }

    private async Task<string> NewestMachineTypeAsync(CancellationToken cancellation)
    {
        var help = await ProgramRun.RunAsync(program, ["-machine", "help"], Limit, cancellation);
        // A line such as: pc  Standard PC (i440FX + PIIX, 1996) (alias of pc-i440fx-7.2)
        var alias = help.Output.Split('\n').FirstOrDefault(l => l.StartsWith("pc ", StringComparison.Ordinal));
        const string Marker = "(alias of ";
        var at = alias?.IndexOf(Marker, StringComparison.Ordinal) ?? -1;
        if (at >= 0)
            return alias![(at + Marker.Length)..].TrimEnd().TrimEnd(')');
        throw new IaaSException(ErrorKind.Failed, "QemuUnusable",
            $"{program} does not work: it does not tell its machine types (exit code {help.ExitCode?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "none in time"}). {help.Error.Trim()}",
            "Try it by hand with '-machine help', and install it again.", program);
    }

    private static bool CanOpen(string device)
    {
        try
        {
            using var handle = File.OpenHandle(device, FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }

    private QemuFacts? Remembered()
    {
        try
        {
            return JsonSerializer.Deserialize(File.ReadAllBytes(cacheFile), QemuJson.Default.QemuFacts);
        }
        catch (Exception e) when (e is IOException or JsonException or UnauthorizedAccessException)
        {
            return null;   // nothing remembered, or nothing usable: it is found out again
        }
    }

    private void Remember(QemuFacts facts)
    {
        var temporary = $"{cacheFile}.{Guid.NewGuid():N}";
        File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(facts, QemuJson.Default.QemuFacts));
        File.Move(temporary, cacheFile, overwrite: true);
    }
}

/// <summary>How QEMU's facts are written.</summary>
[JsonSerializable(typeof(QemuFacts))]
internal sealed partial class QemuJson : JsonSerializerContext;
