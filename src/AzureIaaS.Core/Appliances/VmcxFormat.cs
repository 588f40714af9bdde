namespace AzureIaaS.Appliances;

/// <summary>The configuration of a Hyper-V machine since Windows Server 2016: a binary container with the tree that was XML before.</summary>
internal sealed class VmcxFormat : DescriptionFormat
{
    /// <inheritdoc/>
    public override string Name => "hyperv";

    /// <inheritdoc/>
    public override bool IsMine(string extension, string start) => extension == ".vmcx";

    /// <inheritdoc/>
    public override MachineDescription Parse(string path, byte[] bytes) => HyperVStorage.IsAt(bytes)
        ? HyperVXmlFormat.Read(path, HyperVStorage.Read(path, bytes))
        : throw Invalid(path, "it is called .vmcx and does not begin like one");
}
