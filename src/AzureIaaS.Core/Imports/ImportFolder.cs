using AzureIaaS.Appliances;
using AzureIaaS.Disks;

namespace AzureIaaS.Imports;

/// <summary>
/// A folder instead of a file: what Hyper-V's Export-VM has made, what its machines' Path property names, or the folder of a VMware or VirtualBox
/// machine. The description in it is found, by the machine's name where there are several.
/// </summary>
internal static class ImportFolder
{
    private static readonly string[] Extensions = [".vmcx", ".vmx", ".ovf", ".ova", ".vbox"];
    private const int MostFiles = 10_000;

    /// <summary>The request with the description's file in place of its folder; the request itself where it names a file.</summary>
    /// <param name="request">The request.</param>
    /// <exception cref="IaaSException">There is no description in the folder, or several that could be meant.</exception>
    public static ImportRequest Resolve(ImportRequest request)
    {
        if (SourcePath.IsRemote(request.Path) || !Directory.Exists(request.Path))
            return request;
        var folder = Path.GetFullPath(request.Path);
        var all = new[] { folder, Path.Combine(folder, "Virtual Machines") }.Where(Directory.Exists).SelectMany(f => Directory.EnumerateFiles(f).Take(MostFiles))
            .Where(IsDescription).Order(StringComparer.OrdinalIgnoreCase).ToList();
        var named = all.Count > 1 && request.Name is { } name ? all.Where(f => Describes(f, name)).ToList() : all;
        return named.Count switch
        {
            1 => request with { Path = named[0], Root = request.Root ?? folder },
            0 => throw new IaaSException(ErrorKind.NotFound, "NoDescription", $"{folder}: there is no description of {(all.Count > 0 ? $"a machine called '{request.Name}'" : "a machine")} in this folder.",
                "Name the disk image itself, or the description (.vmcx, .vmx, .ovf, .ova, .vbox, .xml).", folder),
            _ => throw new IaaSException(ErrorKind.InvalidArgument, "SeveralDescriptions", $"{folder}: there are several: {string.Join(", ", named.Take(10).Select(Path.GetFileName))}.",
                "Name the one that is meant, or its machine with -Name.", folder),
        };
    }

    private static bool IsDescription(string path) => Extensions.Contains(Path.GetExtension(path), StringComparer.OrdinalIgnoreCase)
        || (Path.GetExtension(path).Equals(".xml", StringComparison.OrdinalIgnoreCase) && Path.GetFileName(Path.GetDirectoryName(path)) == "Virtual Machines");

    private static bool Describes(string path, string name)
    {
        try
        {
            return string.Equals(Appliance.Open(path).Description.Name, name, StringComparison.OrdinalIgnoreCase);
        }
        catch (IaaSException)
        {
            return false;   // another one may be meant; were it this one, naming the file says what is wrong with it
        }
    }
}
