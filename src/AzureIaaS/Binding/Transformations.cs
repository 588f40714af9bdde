using System.Collections;
using System.Management.Automation;

namespace AzureIaaS.PowerShell;

/// <summary>Takes a size as a number of bytes or as text with a unit, as CSV files have it; an empty cell is no size.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class ByteSizeAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (value is not string text)
            return value;
        if (string.IsNullOrWhiteSpace(text))
            return null;
        return ByteSize.TryParse(text, out var bytes) ? bytes
            : throw new ArgumentTransformationMetadataException($"'{text}' is not a size. Give bytes, or a number with a unit such as 512MB or 4GB.");
    }
}

/// <summary>An empty cell of a CSV file is nothing at all.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class EmptyIsNullAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is string text && string.IsNullOrWhiteSpace(text) ? null : inputData;
}

/// <summary>Takes machines where reports of failovers come by the same pipeline: those are left to the parameter that takes them.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class MeasuredVmsAttribute : ArgumentTransformationAttribute
{
    private static readonly VmReferencesAttribute Vms = new();

    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var isReport = inputData is not null && PSObject.AsPSObject(inputData).TypeNames.Any(n => n.EndsWith(typeof(Failover.FailoverReport).FullName!, StringComparison.Ordinal));
        // Of all failures to transform, the binder passes over this one and tries the next parameter.
        return isReport ? throw new ArgumentTransformationMetadataException("A report of a failover is no machine.", new PSInvalidCastException()) : Vms.Transform(engineIntrinsics, inputData);
    }
}

/// <summary>Takes everything that names a machine, arrays of it too. PowerShell's own conversion would refuse some of it, without a useful word.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class VmReferencesAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        var value = inputData is PSObject wrapped ? wrapped.BaseObject : inputData;
        if (value is null)
            return null;
        try
        {
            return value is System.Collections.IList list and not VmReference[] ? list.Cast<object?>().Select(Of).ToArray() : Of(inputData);
        }
        catch (ArgumentException e)
        {
            throw new ArgumentTransformationMetadataException(e.Message, e);
        }
    }

    private static object Of(object? value) => (value is PSObject wrapped ? wrapped.BaseObject : value) switch
    {
        VmReference[] several => several,
        VmReference reference => reference,
        VirtualMachine machine => new VmReference(machine),
        string text => new VmReference(text),
        Guid id => new VmReference(id),
        IConvertible number => new VmReference(LanguagePrimitives.ConvertTo<string>(number)),
        null => new VmReference(""),
        _ => new VmReference(PSObject.AsPSObject(value)),
    };
}

/// <summary>Takes paths, and leaves tables and made-up objects to the parameter that takes machines: PowerShell would make text of them.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class PathsAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData) =>
        (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is IDictionary or PSCustomObject
            ? throw new ArgumentTransformationMetadataException("This is no path. Give the path of a disk image, or an object with a Path, or with HardDrives.", new PSInvalidCastException())
            : inputData;
}

/// <summary>Takes machines as other hypervisors' tools show them.</summary>
[AttributeUsage(AttributeTargets.Property)]
internal sealed class MachineShapesAttribute : ArgumentTransformationAttribute
{
    public override object? Transform(EngineIntrinsics engineIntrinsics, object? inputData)
    {
        object?[] items = (inputData is PSObject wrapped ? wrapped.BaseObject : inputData) is IList list ? [.. list.Cast<object?>()] : [inputData];
        return items.Length > 0 && items.All(OnPremisesMachine.IsOne)
            ? items.Select(i => PSObject.AsPSObject(i!)).ToArray()
            : throw new ArgumentTransformationMetadataException("This is no machine of another hypervisor: it has neither HardDrives nor HardDisks.", new PSInvalidCastException());
    }
}
