using System.Reflection;
using System.Runtime.InteropServices;
using System.Runtime.Loader;
using AzureIaaS.Providers;

namespace AzureIaaS.PowerShell;

/// <summary>
/// Where the adapters and their packages are loaded, away from whatever other modules have brought into the session. The cmdlets and Core
/// live in the default context, so what crosses the border are Core's interfaces.
/// </summary>
internal sealed class PrivateContext : AssemblyLoadContext
{
    private static readonly Lazy<PrivateContext> Instance = new(() => new PrivateContext());

    private readonly string _folder = Path.Combine(Path.GetDirectoryName(typeof(PrivateContext).Assembly.Location)!, "deps");
    private readonly Dictionary<string, string> _framework;

    private PrivateContext()
        : base("AzureIaaS") =>
        _framework = ((string?)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES") ?? "")
            .Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .GroupBy(p => Path.GetFileNameWithoutExtension(p)).ToDictionary(g => g.Key, g => g.First());

    /// <summary>Opens stores.</summary>
    public static IStoreAdapter Store { get; } = Load<IStoreAdapter>("AzureIaaS.Store", "AzureIaaS.Store.StoreAdapter");

    /// <summary>Opens local fabrics.</summary>
    public static IProviderAdapter Local { get; } = Load<IProviderAdapter>("AzureIaaS.Local", "AzureIaaS.Local.LocalAdapter");

    /// <summary>Opens contexts in Azure; loaded, with its packages, when first asked for.</summary>
    public static IProviderAdapter Azure => LazyAzure.Value;

    private static readonly Lazy<IProviderAdapter> LazyAzure = new(() => Load<IProviderAdapter>("AzureIaaS.Azure", "AzureIaaS.Azure.AzureAdapter"));

    /// <inheritdoc/>
    protected override Assembly? Load(AssemblyName assemblyName)
    {
        var path = Path.Combine(_folder, assemblyName.Name + ".dll");
        if (!File.Exists(path) || FrameworkHasNewer(assemblyName))
            return null;
        return LoadFromAssemblyPath(path);
    }

    /// <inheritdoc/>
    protected override IntPtr LoadUnmanagedDll(string unmanagedDllName)
    {
        var (prefix, suffix, system) = OperatingSystem.IsWindows() ? ("", ".dll", "win") : OperatingSystem.IsMacOS() ? ("lib", ".dylib", "osx") : ("lib", ".so", "linux");
        var architecture = RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant();
        foreach (var runtime in new[] { system, system + "-musl" })
        {
            var path = Path.Combine(_folder, "runtimes", $"{runtime}-{architecture}", "native", prefix + unmanagedDllName + suffix);
            if (File.Exists(path) && NativeLibrary.TryLoad(path, out var handle))
                return handle;
        }

        return IntPtr.Zero;
    }

    private static T Load<T>(string assembly, string type) =>
        (T)Activator.CreateInstance(Instance.Value.LoadFromAssemblyName(new AssemblyName(assembly)).GetType(type, throwOnError: true)!)!;

    /// <summary>A private copy of what the framework has in an equal or newer version would only be a second one of the same.</summary>
    private bool FrameworkHasNewer(AssemblyName wanted) =>
        _framework.TryGetValue(wanted.Name!, out var path) && AssemblyName.GetAssemblyName(path).Version >= wanted.Version;
}
