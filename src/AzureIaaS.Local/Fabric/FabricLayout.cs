using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace AzureIaaS.Local.Fabric;

/// <summary>Every file and folder that a local fabric keeps; docs/fabric.md tells who writes each.</summary>
public sealed class FabricLayout
{
    /// <summary>The folder of the machines, one folder each.</summary>
    public const string MachinesName = "machines";

    /// <summary>The folder of the imports under way, one folder each.</summary>
    public const string ImportsName = "imports";

    /// <summary>The folder of the sockets of running machines.</summary>
    public const string RunName = "run";

    /// <summary>The folder of the disks that were kept when their machines were removed.</summary>
    public const string KeptName = "kept";

    /// <summary>The prefix of a machine's folder that is being deleted.</summary>
    public const string RemovedPrefix = ".removed-";

    /// <summary>The most bytes a socket's path may have: 108 with its end.</summary>
    private const int LongestSocketPath = 107;

    private const string LongestSocketName = "commands.qmp";

    /// <summary>Describes the fabric in a folder.</summary>
    /// <param name="root">The folder.</param>
    public FabricLayout(string root)
    {
        Root = Path.GetFullPath(root);
        Run = RunFolder(Root);
    }

    /// <summary>The fabric's folder.</summary>
    public string Root { get; }

    /// <summary>The folder of the machines.</summary>
    public string Machines => Path.Combine(Root, MachinesName);

    /// <summary>The folder of the imports under way.</summary>
    public string Imports => Path.Combine(Root, ImportsName);

    /// <summary>The folder of the sockets: in the fabric where its path is short enough, else a private one for temporary files.</summary>
    public string Run { get; }

    /// <summary>What the background watcher has to say.</summary>
    public string WatcherLog => Path.Combine(Root, "watcher.log");

    /// <summary>The stage of an import.</summary>
    /// <param name="operation">The operation's id.</param>
    public string Stage(Guid operation) => Path.Combine(Imports, operation.ToString("N"));

    /// <summary>The files of a machine.</summary>
    /// <param name="id">The machine's id.</param>
    /// <param name="slot">Which of its sets of sockets: a live migration has two processes for a moment.</param>
    public MachineFiles Machine(Guid id, int slot = 0) => new(Path.Combine(Machines, id.ToString("N")), Path.Combine(Run, Short(id) + (slot == 0 ? "" : OtherSlot)));

    /// <summary>How many characters of a machine's id name its folder of sockets.</summary>
    internal const int ShortLength = 16;

    /// <summary>What the name of its second folder of sockets ends with.</summary>
    internal const string OtherSlot = "b";

    /// <summary>The files of a network's switch.</summary>
    /// <param name="id">The network's id.</param>
    public NetworkFiles Network(Guid id) => new(Path.Combine(Run, "n" + Short(id)), Path.Combine(Root, $"switch-{Short(id)}.log"));

    /// <summary>The files of the sites' gateway.</summary>
    public SiteFiles Sites => new(Path.Combine(Run, "sites"), Path.Combine(Root, "sites.log"), Path.Combine(Root, "keys"));

    /// <summary>The files of the process that serves and copies the images of a linked machine.</summary>
    /// <param name="id">The machine's id.</param>
    public LinkFiles Link(Guid id) => new(Path.Combine(Run, "l" + Short(id)), Path.Combine(Root, $"link-{Short(id)}.log"));

    /// <summary>Makes the folders, private to the user.</summary>
    /// <exception cref="IaaSException">They cannot be made, or one belongs to somebody else.</exception>
    public void Create()
    {
        try
        {
            foreach (var folder in new[] { Root, Machines, Imports, Run })
                PrivateFolder.Create(folder);
            if (!OperatingSystem.IsWindows() && !Run.StartsWith(Root + "/", StringComparison.Ordinal))
            {
                // Whoever owns the folder above could put another in this one's place.
                PrivateFolder.CheckOwn(Path.GetDirectoryName(Run)!);
                PrivateFolder.CheckOwn(Run);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IaaSException(ErrorKind.AccessDenied, "FabricNotWritable", $"{Root}: the fabric's folder cannot be written ({e.Message}).",
                "Make it writable for this user, or connect to another one with Connect-IaaS -Local -Path.", Root, e);
        }
    }

    /// <summary>Eight bytes of an id name its sockets' folder: paths must be short, and ids are random.</summary>
    private static string Short(Guid id) => id.ToString("N")[..ShortLength];

    private static string RunFolder(string root)
    {
        var inside = Path.Combine(root, RunName);
        var longest = Path.Combine(inside, Short(Guid.Empty) + OtherSlot, LongestSocketName);
        if (Encoding.UTF8.GetByteCount(longest) <= LongestSocketPath)
            return inside;
        var hash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(root)))[..16].ToLower(CultureInfo.InvariantCulture);
        return Path.Combine("/tmp", $"azureiaas-{Environment.UserName}", hash);
    }
}

/// <summary>The files of one machine.</summary>
/// <param name="Folder">Its folder, for what lasts.</param>
/// <param name="Run">Its folder of sockets, for what lasts as long as its process.</param>
public sealed record MachineFiles(string Folder, string Run)
{
    /// <summary>The same machine's files with its other folder of sockets: of the process that it moves to, or has moved from.</summary>
    public MachineFiles Other => this with { Run = Path.GetFileName(Run).Length == FabricLayout.ShortLength ? Run + FabricLayout.OtherSlot : Run[..^FabricLayout.OtherSlot.Length] };

    /// <summary>The serial console's log.</summary>
    public string Console => Path.Combine(Folder, "console.log");

    /// <summary>What QEMU itself has to say.</summary>
    public string ProcessLog => Path.Combine(Folder, "qemu.log");

    /// <summary>The machine's own copy of the UEFI variables.</summary>
    public string FirmwareVariables => Path.Combine(Folder, "uefi-vars.fd");

    /// <summary>The number of its process, written by QEMU.</summary>
    public string ProcessIdFile => Path.Combine(Run, "qemu.pid");

    /// <summary>The monitor for commands, held briefly under the machine's lock.</summary>
    public string CommandMonitor => Path.Combine(Run, "commands.qmp");

    /// <summary>The monitor for whoever watches.</summary>
    public string WatchMonitor => Path.Combine(Run, "watch.qmp");

    /// <summary>The serial console, both ways.</summary>
    public string ConsoleSocket => Path.Combine(Run, "console.sock");

    /// <summary>The guest agent's channel.</summary>
    public string AgentSocket => Path.Combine(Run, "agent.sock");

    /// <summary>Where a guest's memory comes through.</summary>
    public string MigrationSocket => Path.Combine(Run, "memory.sock");

    /// <summary>A checkpoint's memory.</summary>
    /// <param name="checkpoint">The checkpoint's id.</param>
    public string Memory(Guid checkpoint) => Path.Combine(Folder, $"{checkpoint:N}.memory");

    /// <summary>The memory of a suspended machine.</summary>
    public string SuspendedMemory => Path.Combine(Folder, "suspended.memory");

    /// <summary>Where the guest's network adapter is.</summary>
    /// <param name="adapter">The adapter's name.</param>
    public string AdapterSocket(string adapter) => Path.Combine(Run, adapter + ".nic");

    /// <summary>Where the guest's network adapter sends its frames: a switch listens here, or whoever waits for a sign of life.</summary>
    /// <param name="adapter">The adapter's name.</param>
    public string AdapterPeer(string adapter) => Path.Combine(Run, adapter + ".net");

    /// <summary>The file of a disk.</summary>
    /// <param name="disk">The disk's name.</param>
    public string Disk(string disk) => Path.Combine(Folder, disk + ".raw");

    /// <summary>The first layer on a disk that is linked to its image: what the guest writes.</summary>
    /// <param name="disk">The disk's name.</param>
    public string FirstLayer(string disk) => Path.Combine(Folder, disk + "-1.qcow2");

    /// <summary>The digests of a disk's blocks at import.</summary>
    /// <param name="disk">The disk's name.</param>
    public string Digests(string disk) => Path.Combine(Folder, disk + ".digests");
}

/// <summary>The files of the process that serves and copies the images of one linked machine.</summary>
/// <param name="Run">Its folder of sockets, for what lasts as long as the machine is linked.</param>
/// <param name="Log">What it has to say.</param>
public sealed record LinkFiles(string Run, string Log)
{
    /// <summary>Where it says how far it is.</summary>
    public string Status => Path.Combine(Run, "status.json");

    /// <summary>Where it serves a disk's image.</summary>
    /// <param name="disk">The disk's name.</param>
    public string Socket(string disk) => Path.Combine(Run, disk + ".nbd");
}

/// <summary>The files of one network's switch.</summary>
/// <param name="Run">Its folder of sockets, for what lasts as long as its process.</param>
/// <param name="Log">What it has to say.</param>
public sealed record NetworkFiles(string Run, string Log)
{
    /// <summary>Where it takes commands.</summary>
    public string Control => Path.Combine(Run, "control.sock");

    /// <summary>Where the switches of its peers send packets.</summary>
    public string Peers => Path.Combine(Run, "peer.sock");

    /// <summary>Where its threads wake one another.</summary>
    public string Wake => Path.Combine(Run, "wake.sock");
}

/// <summary>The files of the gateway of the sites.</summary>
/// <param name="Run">Its folder of sockets, for what lasts as long as its process.</param>
/// <param name="Log">What it has to say.</param>
/// <param name="Keys">The folder of the keys and certificates.</param>
public sealed record SiteFiles(string Run, string Log, string Keys)
{
    /// <summary>Where it is asked.</summary>
    public string Control => Path.Combine(Run, "control.sock");

    /// <summary>Where switches send packets for sites.</summary>
    public string Packets => Path.Combine(Run, "packets.sock");

    /// <summary>Where the IKE daemon takes commands.</summary>
    public string Vici => Path.Combine(Run, "charon.vici");

    /// <summary>The IKE daemon's settings.</summary>
    public string Settings => Path.Combine(Run, "strongswan.conf");

    /// <summary>What the IKE daemon has to say.</summary>
    public string DaemonLog => Path.Combine(Run, "charon.log");

    /// <summary>Which process the IKE daemon is.</summary>
    public string Daemon => Path.Combine(Run, "charon.json");

    /// <summary>A site's shared key, or the private key of its certificate.</summary>
    /// <param name="site">The site's id.</param>
    public string Key(Guid site) => Path.Combine(Keys, $"{site:N}.key");

    /// <summary>The certificate with which this side's gateway proves to a site who it is.</summary>
    /// <param name="site">The site's id.</param>
    public string Certificate(Guid site) => Path.Combine(Keys, $"{site:N}.crt");

    /// <summary>The certificate of who issued the one of a site's gateway.</summary>
    /// <param name="site">The site's id.</param>
    public string CaCertificate(Guid site) => Path.Combine(Keys, $"{site:N}.ca");
}
