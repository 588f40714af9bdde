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
/// Finds out by trying. /dev/kvm can be openable, and KVM present and enabled, where no guest boots, or where a small one does and a system dies:
/// a KVM without the processor's help. So the processor is asked for its help, then a guest is booted, and KVM is taken only if that guest has
/// run. The answer is remembered for this QEMU, this kernel and this processor.
/// </summary>
internal sealed class AcceleratorProbe(string program, string cacheFile)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(15);

    /// <summary>Answers from memory, or tries.</summary>
    /// <param name="cancellation">Stops trying.</param>
    public async Task<QemuFacts> AskAsync(CancellationToken cancellation)
    {
        var info = new FileInfo(program);
        var virtualizes = File.Exists("/dev/kvm") && Virtualizes(await File.ReadAllLinesAsync("/proc/cpuinfo", cancellation));
        var key = $"{info.FullName}|{info.Length}|{info.LastWriteTimeUtc.Ticks}|{Environment.OSVersion.VersionString}|vmx or svm: {virtualizes}";
        if (Remembered() is { } known && known.Key == key)
            return known;
        var type = await NewestMachineTypeAsync(cancellation);
        var accelerator = virtualizes && CanOpen("/dev/kvm") && await RunsGuestsAsync(Accelerator.Kvm, cancellation) ? Accelerator.Kvm : Accelerator.Tcg;
        var facts = new QemuFacts(key, accelerator.Name, type);
        Remember(facts);
        return facts;
    }

    /// <summary>The accelerator of a name.</summary>
    /// <param name="name">The name.</param>
    public static Accelerator Of(string name) => name == Accelerator.Kvm.Name ? Accelerator.Kvm : Accelerator.Tcg;

    /// <summary>Whether a processor helps to run guests: Intel's VMX or AMD's SVM, which the kernel hides where the firmware has turned it off.</summary>
    /// <param name="description">The lines of /proc/cpuinfo.</param>
    internal static bool Virtualizes(IEnumerable<string> description) =>
        description.Where(l => l.StartsWith("flags", StringComparison.Ordinal)).Any(l => l.Split(' ', '\t').Any(f => f is "vmx" or "svm"));

    /// <summary>Whether a guest runs to its end in good time.</summary>
    /// <param name="accelerator">What is to run it.</param>
    /// <param name="cancellation">Stops trying.</param>
    internal Task<bool> RunsGuestsAsync(Accelerator accelerator, CancellationToken cancellation) =>
        ProbeGuest.RunsAsync(program, accelerator, Path.Combine(Path.GetDirectoryName(cacheFile)!, $"probe-{Guid.NewGuid():N}.img"), Limit, cancellation);

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
