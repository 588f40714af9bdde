using System.Collections;
using System.Management.Automation;
using AzureIaaS.Imports;
using AzureIaaS.Providers;
using AzureIaaS.Readiness;

namespace AzureIaaS.PowerShell.Commands;

/// <summary>Import-IaaSVm: makes machines of disk images.</summary>
[Cmdlet(VerbsData.Import, "IaaSVm", DefaultParameterSetName = PathSet, SupportsShouldProcess = true)]
[OutputType(typeof(VirtualMachine), typeof(StagedPass))]
public sealed class ImportVmCommand : PathCmdlet
{
    private const string ReadinessSet = "Readiness";
    private const string VmSet = "Vm";
    private const string DefinitionSet = "Definition";

    private bool _nameIsTyped;

    /// <summary>The judgements of machines, to import those that were judged.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = ReadinessSet)]
    [ValidateNotNullOrEmpty]
    public ReadinessReport[] Readiness { get; set; } = [];

    /// <summary>Machines of another context whose disks are files of this computer, to be imported into this one.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = VmSet)]
    [Alias("InputObject")]
    [ValidateNotNullOrEmpty]
    public VirtualMachine[] Vm { get; set; } = [];

    /// <summary>Machines as Hyper-V's module or PowerCLI shows them, or anything of that shape, a table too: HardDrives or HardDisks say what to import.</summary>
    [Parameter(Mandatory = true, ValueFromPipeline = true, ParameterSetName = DefinitionSet)]
    [MachineShapes]
    [ValidateNotNullOrEmpty]
    public PSObject[] Definition { get; set; } = [];

    /// <summary>The machine's name; the file's base name when left out.</summary>
    [Parameter(Position = 1, ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    public string? Name { get; set; }

    /// <summary>The guest's memory in bytes, or with a unit.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [ByteSize]
    public long? Memory { get; set; }

    /// <summary>The number of virtual processors.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    public int? Cpu { get; set; }

    /// <summary>In Azure: the size, such as Standard_D4s_v5; the smallest with its processors and memory when left out.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    public string? Size { get; set; }

    /// <summary>In Azure: the operating system on the first disk.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    public GuestOSType? OSType { get; set; }

    /// <summary>In Azure: the availability zone.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    public string? Zone { get; set; }

    /// <summary>The firmware; the disk's partition table decides when left out.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    public Firmware? Firmware { get; set; }

    /// <summary>The controller of its disks.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    public DiskController? DiskController { get; set; }

    /// <summary>The image's format, without looking.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    [ArgumentCompleter(typeof(FormatCompleter))]
    public string? Format { get; set; }

    /// <summary>Which machine of a description with several, by its name or id there.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    public string? System { get; set; }

    /// <summary>The folder that no file an image refers to may leave.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    public string? Root { get; set; }

    /// <summary>Files and folders outside the root that an image may refer to all the same.</summary>
    [Parameter]
    public string[] AllowExternalReference { get; set; } = [];

    /// <summary>The image's internal snapshot to import, by id or name.</summary>
    [Parameter]
    [ValidateNotNullOrEmpty]
    public string? Snapshot { get; set; }

    /// <summary>The availability set it is to belong to: machines that do the same, and are kept apart.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    public string? AvailabilitySet { get; set; }

    /// <summary>When it comes back after the loss of a host: smaller numbers first.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    [EmptyIsNull]
    public int? StartOrder { get; set; }

    /// <summary>Words of the user's own, by name.</summary>
    [Parameter(ValueFromPipelineByPropertyName = true)]
    public Hashtable? Tag { get; set; }

    /// <summary>Run on the image at once; it is copied in the background, and needed until then.</summary>
    [Parameter]
    public SwitchParameter Linked { get; set; }

    /// <summary>Make a pass of the copy while the source still runs; Complete-IaaSVmImport makes the machine.</summary>
    [Parameter]
    public SwitchParameter Stage { get; set; }

    /// <summary>Do not compute the content's digest.</summary>
    [Parameter]
    public SwitchParameter SkipDigest { get; set; }

    /// <summary>How many images are imported at once.</summary>
    [Parameter]
    [ValidateRange(1, 100)]
    public int ThrottleLimit { get; set; } = 1;

    /// <summary>Go on in a job, and give that out at once.</summary>
    [Parameter]
    public SwitchParameter AsJob { get; set; }

    private protected override int Parallelism => ThrottleLimit;

    private protected override bool InJob => AsJob;

    /// <inheritdoc/>
    protected override void BeginProcessing()
    {
        if (Stage && Linked)
        {
            ThrowTerminatingError(ErrorRecords.For(new IaaSException(ErrorKind.InvalidArgument, "StageOrLinked", "-Stage waits with the machine until all is copied, and -Linked does not.",
                "Give one of the two."), Name));
        }

        _nameIsTyped = MyInvocation.BoundParameters.ContainsKey(nameof(Name));
        base.BeginProcessing();
    }

    /// <inheritdoc/>
    protected override void ProcessRecord()
    {
        if (ParameterSetName == VmSet)
        {
            foreach (var machine in Vm)
                Try(machine.Name, () => Import(machine));
            return;
        }

        if (ParameterSetName == ReadinessSet)
        {
            CheckOneName(Readiness.Length, _nameIsTyped ? Name : null);
            foreach (var report in Readiness)
                Try(report.Path, () => Import(report.Path, r => report.ToImport(r, Session().Provider.Name), _nameIsTyped ? Name : null));
            return;
        }

        if (ParameterSetName == DefinitionSet)
        {
            CheckOneName(Definition.Length, _nameIsTyped ? Name : null);
            foreach (var machine in Definition)
                Import(new OnPremisesMachine(machine), _nameIsTyped ? Name : null);
            return;
        }

        var paths = ResolveDisks();
        CheckOneName(paths.Count, paths.Count > 0 ? NameFor(paths[0]) : null);
        foreach (var path in paths)
            Try(path, () => Import(path, r => r, NameFor(path)));
    }

    /// <summary>Imports a machine that another hypervisor's tools have shown.</summary>
    private void Import(OnPremisesMachine machine, string? name) => Try(machine.Name ?? "", () =>
    {
        if (!Stage)
            machine.CheckItIsOff();
        var description = machine.Describe(FullPath(Root));
        description = description with { Disks = [.. description.Disks.Select(d => d with { Reference = FullPath(d.Reference)! })] };
        Import(description.Disks[0].Reference, r => r with { Description = description }, name);
    });

    /// <summary>Imports a machine of another context, which nobody changes meanwhile.</summary>
    private void Import(VirtualMachine machine)
    {
        var (session, source) = (Session(), SessionOf(CurrentContext.Find(machine.Context)));
        var lender = Ability.Of<IDiskLender>(source, "imports from it");
        if (!ShouldProcess($"{machine.Name} of {source.Context.Name}", $"Import into {session.Context.Name}"))
            return;
        Begin(machine.Name, c => lender.LendDisksAsync(machine.Id, async lent =>
            Output.Write(session.Mark(await session.Imports.ImportAsync(MachineInput.For(lent, RequestFor(lent.Disks[0].Path, Name)), Output, c))), c));
    }

    private void CheckOneName(int machines, string? name)
    {
        if (machines <= 1 || name is null)
            return;
        var e = new IaaSException(ErrorKind.InvalidArgument, "OneNameForMany", $"One name, '{name}', cannot be given to {machines} machines.",
            "Leave -Name out, or import one image at a time.", name);
        ThrowTerminatingError(ErrorRecords.For(e, name));
    }

    private void Import(string path, Func<ImportRequest, ImportRequest> complete, string? name)
    {
        var session = Session();
        var request = complete(RequestFor(path, name));
        if (MyInvocation.BoundParameters.TryGetValue("WhatIf", out var whatIf) && ((SwitchParameter)whatIf).ToBool())
        {
            var plan = Await(async c => (await session.Imports.PlanAsync(request, c)).Plan);
            foreach (var warning in plan.Warnings)
                WriteWarning(warning);
            ShouldProcess(plan.Describe(), plan.Describe(), "Import");
            return;
        }

        if (Stage)
        {
            if (ShouldProcess(path, "Copy what has changed"))
                Begin(path, async c => Output.Write(await session.Imports.StageAsync(request, Output, c)));
            return;
        }

        if (ShouldProcess(path, "Import as a machine"))
            Begin(path, async c => Output.Write(session.Mark(await session.Imports.ImportAsync(request, Output, c))));
    }

    private ImportRequest RequestFor(string path, string? name) => new()
    {
        Path = path,
        Name = name,
        Memory = Memory,
        Cpu = Cpu,
        Size = Size,
        OSType = OSType ?? GuestOSType.Unknown,
        Zone = Zone,
        Firmware = Firmware ?? AzureIaaS.Firmware.Unknown,
        Controller = DiskController ?? AzureIaaS.DiskController.Unknown,
        Format = Format,
        System = System,
        Root = FullPath(Root),
        ExternalReferences = FullPaths(AllowExternalReference),
        Snapshot = Snapshot,
        AvailabilitySet = AvailabilitySet,
        StartOrder = StartOrder,
        Linked = Linked,
        SkipDigest = SkipDigest,
        Tags = Tag?.Cast<DictionaryEntry>().ToDictionary(t => t.Key.ToString()!, t => t.Value?.ToString() ?? "") ?? [],
    };

    /// <summary>A file that comes by the pipeline has a Name too, its own with the extension; that is not meant to be the machine's.</summary>
    private string? NameFor(string path) =>
        !_nameIsTyped && Name == global::System.IO.Path.GetFileName(path) ? null : Name;
}
