using System.Text;
using System.Text.Json;

namespace AzureIaaS.Simulation;

/// <summary>
/// Reads and writes models: one readable .psd1 or JSON file. What is not in it gets a default, and the report says which. Everything that is wrong
/// is refused with its line.
/// </summary>
public static class ModelFile
{
    private const long Largest = 16 << 20;

    private static readonly JsonSerializerOptions Indented = new(CoreJson.Default.Options) { WriteIndented = true };

    /// <summary>Reads a model.</summary>
    /// <param name="path">The file: .psd1, or JSON under any other name.</param>
    /// <exception cref="IaaSException">It is no model; the message has the line.</exception>
    public static FleetModel Read(string path)
    {
        var file = new FileInfo(path);
        if (!file.Exists)
            throw new IaaSException(ErrorKind.NotFound, "ModelNotFound", $"There is no model '{path}'.", "Give the path of a .psd1 or JSON file; docs/simulation.md has one to begin with.", path);
        if (file.Length > Largest)
            throw ModelError.At(path, 0, $"The file has {ByteSize.Format(file.Length)}; a model has at most {ByteSize.Format(Largest)}.", "Name the model, not its data.");
        return Parse(File.ReadAllBytes(path), path);
    }

    /// <summary>Writes a model as JSON, which can be read again.</summary>
    /// <param name="model">The model.</param>
    public static string Write(FleetModel model) => JsonSerializer.Serialize(model, (System.Text.Json.Serialization.Metadata.JsonTypeInfo<FleetModel>)Indented.GetTypeInfo(typeof(FleetModel)));

    /// <summary>Changes a model by settings such as <c>Failures.Host = '3 y'</c>, each of them named as in a file.</summary>
    /// <param name="model">The model; what it assumed in their place is forgotten.</param>
    /// <param name="settings">The settings; values are text, numbers, truth values, lists, and tables.</param>
    /// <returns>The names of what was given.</returns>
    /// <exception cref="IaaSException">There is no such setting, or its value makes no sense.</exception>
    public static IReadOnlySet<string> Apply(FleetModel model, System.Collections.IDictionary settings)
    {
        var given = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        ReadModel(new ModelSection(SettingsNode.Of(settings), "", null, given), model);
        model.Assumptions = [.. model.Assumptions.Where(a => !given.Contains(a.Parameter))];
        return given;
    }

    internal static FleetModel Parse(byte[] bytes, string path)
    {
        var root = Path.GetExtension(path).Equals(".psd1", StringComparison.OrdinalIgnoreCase)
            ? DataFileText.Read(Encoding.UTF8.GetString(bytes), path)
            : JsonModelText.Read(bytes, path);
        var given = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        var model = new FleetModel();
        ReadModel(new ModelSection(root, "", path, given), model);
        ModelDefaults.Fill(model, given);
        ModelCheck.Check(model, path);
        return model;
    }

    private static void ReadModel(ModelSection root, FleetModel model)
    {
        root.Text("Name", v => model.Name = v);
        if (root.Has("Hosts"))
            model.Hosts = [.. root.Tables("Hosts").Select(ReadHosts)];
        if (root.Has("Machines"))
            model.Machines = [.. root.Tables("Machines").Select(ReadMachines)];
        if (root.Has("Applications"))
            model.Applications = ReadApplications(root);
        if (root.Table("Failures") is { } failures)
            ReadFailures(failures, model.Failures);
        if (root.Table("Recovery") is { } recovery)
            ReadRecovery(recovery, model.Recovery);
        if (root.Has("Maintenance"))
            model.Maintenance = ReadMaintenance(root, model.Maintenance);
        if (root.Has("Replication"))
            model.Replication = ReadReplication(root, model.Replication);
        if (root.Has("Sla"))
            model.Sla = ReadSla(root);
        // A report's model comes with its assumptions; they are made again.
        root.Take("Assumptions");
        root.End();
    }

    private static HostGroup ReadHosts(ModelSection section)
    {
        var hosts = new HostGroup { Line = section.Line };
        section.Text("Name", v => hosts.Name = v);
        section.Whole("Count", v => hosts.Count = v, int.MinValue);
        section.Whole("Cpu", v => hosts.Cpu = v, 1);
        section.Size("Memory", v => hosts.Memory = v);
        section.Text("Region", v => hosts.Region = v);
        section.Text("Zone", v => hosts.Zone = v);
        section.Whole("FaultDomains", v => hosts.FaultDomains = v, 1, 1000);
        section.Whole("FirstFaultDomain", v => hosts.FirstFaultDomain = v);
        section.Whole("UpdateDomains", v => hosts.UpdateDomains = v, 1, 1000);
        section.Whole("FirstUpdateDomain", v => hosts.FirstUpdateDomain = v);
        section.End();
        return hosts;
    }

    private static MachineGroup ReadMachines(ModelSection section)
    {
        var machines = new MachineGroup { Line = section.Line };
        section.Text("Name", v => machines.Name = v);
        section.Whole("Count", v => machines.Count = v, int.MinValue);
        section.Whole("Cpu", v => machines.Cpu = v, 1);
        section.Size("Memory", v => machines.Memory = v);
        section.Text("AvailabilitySet", v => machines.AvailabilitySet = v);
        section.Text("Region", v => machines.Region = v);
        section.Text("Zone", v => machines.Zone = v);
        section.Text("Host", v => machines.Host = v);
        section.Text("StartAfter", v => machines.StartAfter = v);
        section.Flag("Replicated", v => machines.Replicated = v);
        section.End();
        return machines;
    }

    // Either a list of tables, or one table of names and what they require.
    private static List<FleetApplication> ReadApplications(ModelSection root)
    {
        if (root.Take("Applications") is not { IsNothing: false } node)
            return [];
        if (node.Entries is { } entries && !entries.Exists(e => e.Key.Equals("Requires", StringComparison.OrdinalIgnoreCase)))
        {
            return [.. entries.Select(e => e.Node.Value is string text ? new FleetApplication { Name = e.Key, Requires = text, Line = e.Node.Line }
                : throw root.Wrong(e.Node.Line, $"The application '{e.Key}' is {e.Node.Kind}, and has to be text.", "Write it as: Web = '1 of sp-web'."))];
        }

        return [.. (node.Items ?? [node]).Select(item => root.Nested(item, "Applications")).Select(section =>
        {
            var application = new FleetApplication { Line = section.Line };
            section.Text("Name", v => application.Name = v);
            section.Text("Requires", v => application.Requires = v);
            application.DependsOn = section.Texts("DependsOn");
            section.End();
            return application;
        })];
    }

    private static void ReadFailures(ModelSection section, FailureModel failures)
    {
        section.Law("Host", v => failures.Host = v, isFailure: true);
        section.Law("HostRepair", v => failures.HostRepair = v);
        section.Whole("Crews", v => failures.Crews = v);
        section.Number("CommonCause", v => failures.CommonCause = v, 0, 0.999999);
        section.Choice<FailureScope>("CommonCauseScope", v => failures.CommonCauseScope = v);
        section.Law("FaultDomain", v => failures.FaultDomain = v, isFailure: true);
        section.Law("FaultDomainRepair", v => failures.FaultDomainRepair = v);
        section.Law("Zone", v => failures.Zone = v, isFailure: true);
        section.Law("ZoneRepair", v => failures.ZoneRepair = v);
        section.Law("Region", v => failures.Region = v, isFailure: true);
        section.Law("RegionRepair", v => failures.RegionRepair = v);
        section.Law("Storage", v => failures.Storage = v, isFailure: true);
        section.Law("StorageRepair", v => failures.StorageRepair = v);
        section.Whole("StorageUnits", v => failures.StorageUnits = v, 1, 10_000);
        section.Time("StorageGrace", v => failures.StorageGrace = v);
        section.Law("Guest", v => failures.Guest = v, isFailure: true);
        if (section.Has("Script"))
            failures.Script = [.. section.Tables("Script").Select(told =>
        {
            var failure = new ScriptedFailure { Line = told.Line };
            told.Text("Fails", v => failure.Fails = v);
            told.Time("At", v => failure.At = v);
            told.Time("For", v => failure.For = v);
            told.End();
            return failure;
        })];
        section.End();
    }

    private static void ReadRecovery(ModelSection section, RecoveryModel recovery)
    {
        section.Flag("Healing", v => recovery.Healing = v);
        section.Law("Detection", v => recovery.Detection = v);
        section.Law("GuestDetection", v => recovery.GuestDetection = v);
        section.Law("Boot", v => recovery.Boot = v);
        section.Whole("Slots", v => recovery.Slots = v);
        section.Flag("AcrossZones", v => recovery.AcrossZones = v);
        section.End();
    }

    private static MaintenanceModel? ReadMaintenance(ModelSection root, MaintenanceModel? former)
    {
        if (root.None("Maintenance") || root.Table("Maintenance") is not { } section)
            return null;
        var plan = former ?? new MaintenanceModel();
        section.Time("Interval", v => plan.Interval = v);
        section.Time("Duration", v => plan.Duration = v);
        section.Time("Between", v => plan.Between = v);
        section.Choice<MaintenanceMode>("Mode", v => plan.Mode = v);
        section.Law("Pause", v => plan.Pause = v);
        section.Number("Eligible", v => plan.Eligible = v, 0, 1);
        section.End();
        return plan;
    }

    private static ReplicationModel? ReadReplication(ModelSection root, ReplicationModel? former)
    {
        if (root.Table("Replication") is not { } section)
            return null;
        var copy = former ?? new ReplicationModel();
        section.Text("To", v => copy.To = v);
        section.Time("Period", v => copy.Period = v);
        section.Time("Lag", v => copy.Lag = v);
        section.Law("Decision", v => copy.Decision = v);
        section.Time("FailbackAfter", v => copy.FailbackAfter = v);
        section.Time("Failback", v => copy.Failback = v);
        section.End();
        return copy;
    }

    private static SlaModel? ReadSla(ModelSection root)
    {
        if (root.Take("Sla") is not { IsNothing: false } node)
            return null;
        if (node.Value is double target)
            return new SlaModel { Target = target, Credits = ModelDefaults.Credits(target) };
        var section = root.Nested(node, "Sla");
        var sla = new SlaModel();
        section.Number("Target", v => sla.Target = v, 0, 100);
        sla.Credits = [.. section.Tables("Credits").Select(row =>
        {
            var credit = new SlaCredit();
            row.Number("Below", v => credit.Below = v, 0, 100);
            row.Number("Percent", v => credit.Percent = v, 0, 100);
            row.End();
            return credit;
        })];
        if (sla.Credits.Count == 0)
            sla.Credits = ModelDefaults.Credits(sla.Target);
        section.End();
        return sla;
    }
}
