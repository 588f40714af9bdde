namespace AzureIaaS.Tests.Support;

/// <summary>A folder of a test's own, gone with all it holds when the test is over.</summary>
internal sealed class TestFolder : IDisposable
{
    public string Path { get; } = Directory.CreateTempSubdirectory("azureiaas-").FullName;

    /// <summary>The path of a file in the folder, made or not.</summary>
    public string this[string name] => System.IO.Path.Combine(Path, name);

    /// <summary>Writes a file and returns its path.</summary>
    public string Write(string name, ReadOnlySpan<byte> bytes)
    {
        using (var file = new FileStream(this[name], FileMode.Create))
            file.Write(bytes);
        return this[name];
    }

    /// <summary>Writes a text file and returns its path.</summary>
    public string Write(string name, string text)
    {
        File.WriteAllText(this[name], text);
        return this[name];
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);
}
