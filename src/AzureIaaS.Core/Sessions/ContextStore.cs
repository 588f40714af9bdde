using System.Text.Json;
using System.Text.Json.Serialization;

namespace AzureIaaS.Sessions;

/// <summary>The contexts that the user has connected to, in one file of the user's configuration: <c>azureiaas/contexts.json</c>.</summary>
public sealed class ContextStore
{
    private readonly string _path;

    /// <summary>Uses a configuration folder.</summary>
    /// <param name="folder">The folder; null for the user's own (XDG_CONFIG_HOME, ~/.config, or AppData).</param>
    public ContextStore(string? folder = null) =>
        _path = System.IO.Path.Combine(folder ?? UserFolder(Environment.SpecialFolder.ApplicationData), "azureiaas", "contexts.json");

    /// <summary>The context to use when none is named: the one last connected to, or the default local one.</summary>
    public IaaSContext Current => List().Single(c => c.IsCurrent);

    /// <summary>All contexts: those connected to, and the default local one.</summary>
    /// <exception cref="IaaSException">The file cannot be read.</exception>
    public IReadOnlyList<IaaSContext> List()
    {
        var file = Load();
        if (!file.Contexts.Exists(c => Same(c.Name, IaaSContext.DefaultName)))
            file.Contexts.Insert(0, Default());
        var current = file.Contexts.Find(c => Same(c.Name, file.Current ?? IaaSContext.DefaultName)) ?? file.Contexts[0];
        current.IsCurrent = true;
        return file.Contexts;
    }

    /// <summary>Finds a context.</summary>
    /// <param name="name">Its name, in any case of letters.</param>
    /// <exception cref="IaaSException">There is none of that name.</exception>
    public IaaSContext Get(string name) => List().FirstOrDefault(c => Same(c.Name, name))
        ?? throw new IaaSException(ErrorKind.NotFound, "ContextNotFound", $"There is no context called '{name}'.",
            "Get-IaaSContext shows those there are; Connect-IaaS -Name makes one.", name);

    /// <summary>Remembers a context and makes it the current one.</summary>
    /// <param name="context">The context.</param>
    public void Connect(IaaSContext context)
    {
        var file = Load();
        file.Contexts.RemoveAll(c => Same(c.Name, context.Name));
        file.Contexts.Add(context);
        file.Current = context.Name;
        Save(file);
        context.IsCurrent = true;
    }

    /// <summary>Forgets a context; its machines stay where they are.</summary>
    /// <param name="name">Its name, in any case of letters.</param>
    /// <exception cref="IaaSException">There is none of that name.</exception>
    public IaaSContext Disconnect(string name)
    {
        var context = Get(name);
        var file = Load();
        file.Contexts.RemoveAll(c => Same(c.Name, name));
        if (file.Current is { } current && Same(current, name))
            file.Current = null;
        Save(file);
        context.IsCurrent = false;
        return context;
    }

    /// <summary>The default local context: a fabric in the user's data folder.</summary>
    public static IaaSContext Default() => new()
    {
        Path = System.IO.Path.Combine(UserFolder(Environment.SpecialFolder.LocalApplicationData), "azureiaas", "local"),
    };

    /// <summary>A context in Azure. What this computer notes about uploads under way lies in the user's data folder.</summary>
    /// <param name="name">The context's name.</param>
    /// <param name="scope">Where in Azure.</param>
    public static IaaSContext ForAzure(string name, AzureScope scope)
    {
        // By subscription and group, so that a context of another name in the same place finds the same operations.
        var place = $"{scope.Subscription:N}-{scope.ResourceGroup.ToLowerInvariant()}";
        return new IaaSContext
        {
            Name = name,
            Provider = IaaSContext.AzureProvider,
            Azure = scope,
            Path = System.IO.Path.Combine(UserFolder(Environment.SpecialFolder.LocalApplicationData), "azureiaas", "azure", place),
        };
    }

    private static string UserFolder(Environment.SpecialFolder folder) =>
        Environment.GetFolderPath(folder, Environment.SpecialFolderOption.DoNotVerify) is { Length: > 0 } path
            ? path
            : throw new IaaSException(ErrorKind.Failed, "NoUserFolder", "This user has no home folder, so there is no place for settings and machines.",
                "Set HOME, or XDG_CONFIG_HOME and XDG_DATA_HOME, to folders that may be written to.");

    private static bool Same(string a, string b) => a.Equals(b, StringComparison.OrdinalIgnoreCase);

    private ContextFile Load()
    {
        try
        {
            using var stream = File.OpenRead(_path);
            return JsonSerializer.Deserialize(stream, ContextFileJson.Default.ContextFile) ?? new ContextFile();
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return new ContextFile();
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            throw new IaaSException(ErrorKind.InvalidData, "ContextFileUnreadable", $"{_path}: the list of contexts cannot be read: {e.Message}",
                "Correct or delete the file; it holds nothing but names and folders, which Connect-IaaS writes again.", _path, e);
        }
    }

    private void Save(ContextFile file)
    {
        try
        {
            Directory.CreateDirectory(System.IO.Path.GetDirectoryName(_path)!);
            // Replaced in one step, so that a reader never sees half of it.
            var temporary = $"{_path}.{Guid.NewGuid():N}";
            File.WriteAllBytes(temporary, JsonSerializer.SerializeToUtf8Bytes(file, ContextFileJson.Default.ContextFile));
            File.Move(temporary, _path, overwrite: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new IaaSException(ErrorKind.AccessDenied, "ContextFileNotWritable", $"{_path}: the list of contexts cannot be written: {e.Message}",
                "Make the folder writable, or set XDG_CONFIG_HOME to one that is.", _path, e);
        }
    }
}

/// <summary>The content of the contexts' file.</summary>
internal sealed class ContextFile
{
    public string? Current { get; set; }

    public List<IaaSContext> Contexts { get; set; } = [];
}

/// <summary>How that file is written.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ContextFile))]
internal sealed partial class ContextFileJson : JsonSerializerContext;
