using System.Text.Json;
using System.Text.Json.Serialization;
using AzureIaaS.Local.Processes;

namespace AzureIaaS.Local.Machines;

/// <summary>What this provider notes about a machine beside what everyone may know.</summary>
internal sealed record MachineNotes
{
    // Notes of an earlier version lack them, and reading those sets null.
    private readonly IReadOnlyDictionary<string, DiskTree>? _trees;
    private readonly IReadOnlyDictionary<Guid, IReadOnlyDictionary<string, string>>? _checkpointLayers;

    /// <summary>Its process; null while it has none.</summary>
    public ProcessIdentity? Process { get; init; }

    /// <summary>Which of its two sets of sockets its process has: a live migration has two processes for a moment.</summary>
    public int Slot { get; init; }

    /// <summary>When it has moved: the process that it has left, until that is gone.</summary>
    public ProcessIdentity? MovingFromProcess { get; init; }

    /// <summary>The version of its virtual hardware, from its first start on: a newer QEMU must not change the hardware under a guest.</summary>
    public string? MachineType { get; init; }

    /// <summary>Where in the console's log its present run begins, in bytes.</summary>
    public long ConsoleStart { get; init; }

    /// <summary>The layers of its disks, by disk; a disk that is not here has one layer, its file.</summary>
    public IReadOnlyDictionary<string, DiskTree> Trees
    {
        get => _trees ?? new Dictionary<string, DiskTree>();
        init => _trees = value;
    }

    /// <summary>Which layers each checkpoint keeps: by checkpoint, then by disk.</summary>
    public IReadOnlyDictionary<Guid, IReadOnlyDictionary<string, string>> CheckpointLayers
    {
        get => _checkpointLayers ?? new Dictionary<Guid, IReadOnlyDictionary<string, string>>();
        init => _checkpointLayers = value;
    }

    /// <summary>The file that its memory is to be loaded from at its next start; null for a start from the disk.</summary>
    public string? MemoryFile { get; init; }

    /// <summary>While it is being stopped: whether it keeps its place on its host.</summary>
    public bool KeepsPlace { get; init; }

    /// <summary>The operation that is changing it; whoever finds it here without an owner finishes or undoes it first.</summary>
    public Guid? Operation { get; init; }

    /// <summary>How often it has been brought back since it last ran well.</summary>
    public int HealAttempts { get; init; }

    /// <summary>Why it has to be brought back, and since when; null when it has not.</summary>
    public HealNote? Heal { get; init; }

    /// <summary>What is still to be said about how it was brought back; null for nothing.</summary>
    public HealCheck? Check { get; init; }

    /// <summary>Reads the notes of a stored machine.</summary>
    /// <param name="stored">The machine.</param>
    public static MachineNotes Of(StoredMachine stored) => JsonSerializer.Deserialize(stored.ProviderData, MachineNotesJson.Default.MachineNotes) ?? new MachineNotes();

    /// <summary>The tree of a disk.</summary>
    /// <param name="disk">The disk.</param>
    public DiskTree TreeOf(VirtualDisk disk) => Trees.GetValueOrDefault(disk.Name) ?? DiskTree.Of(disk);

    /// <summary>The notes with trees changed.</summary>
    /// <param name="trees">The trees that are new or different.</param>
    public MachineNotes WithTrees(IEnumerable<DiskTree> trees)
    {
        var all = new Dictionary<string, DiskTree>(Trees);
        foreach (var tree in trees)
            all[tree.Disk] = tree;
        return this with { Trees = all };
    }

    /// <summary>The notes as the store keeps them.</summary>
    public string ToJson() => JsonSerializer.Serialize(this, MachineNotesJson.Default.MachineNotes);
}

/// <summary>Why a machine has to be brought back.</summary>
/// <param name="Reason">What happened, as a sentence.</param>
/// <param name="Since">When it was noticed.</param>
/// <param name="Host">The host it was on.</param>
/// <param name="HostLost">Whether that host is lost, so that it must go elsewhere.</param>
/// <param name="GaveSign">Whether its guest had given a sign of life before: then it should again.</param>
internal sealed record HealNote(string Reason, DateTimeOffset Since, string? Host, bool HostLost, bool GaveSign = false);

/// <summary>A report that waits for the guest's first sign of life.</summary>
/// <param name="Report">The report's id.</param>
/// <param name="Expected">Whether the guest must give one: it did before.</param>
internal sealed record HealCheck(Guid Report, bool Expected);

/// <summary>How notes are written.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(MachineNotes))]
internal sealed partial class MachineNotesJson : JsonSerializerContext;
