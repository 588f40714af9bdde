using System.IO.Compression;
using System.Reflection;

namespace AzureIaaS.Disks.Writing;

/// <summary>Makes streams that compress by deflate, at levels finer than <see cref="CompressionLevel"/> where the runtime has them: from .NET 9 on.</summary>
internal static class Deflater
{
    private const int MostLevels = 10;

    private static readonly Factory?[] Factories = FindFactories();

    private delegate Stream Factory(Stream target, bool zlib);

    /// <summary>Makes a stream that compresses what is written to it.</summary>
    /// <param name="target">Where the compressed bytes go; it stays open.</param>
    /// <param name="zlib">Whether with a zlib header and checksum (RFC 1950) or bare (RFC 1951).</param>
    /// <param name="level">How hard to try, from 1 to 9; zlib's own default is 6, and the only one but 1 and 9 that every runtime has.</param>
    public static Stream To(Stream target, bool zlib, int level) =>
        Factories[level] is { } make ? make(target, zlib)
        : zlib ? new ZLibStream(target, CompressionLevel.Optimal, leaveOpen: true)
        : new DeflateStream(target, CompressionLevel.Optimal, leaveOpen: true);

    /// <summary>Makes a stream that only stores what is written to it, in deflate's form.</summary>
    /// <param name="target">Where the bytes go; it stays open.</param>
    /// <param name="zlib">Whether with a zlib header and checksum or bare.</param>
    public static Stream Storing(Stream target, bool zlib) => zlib
        ? new ZLibStream(target, CompressionLevel.NoCompression, leaveOpen: true)
        : new DeflateStream(target, CompressionLevel.NoCompression, leaveOpen: true);

    /// <summary>This library is made for .NET 8, whose reference assemblies lack the options; it usually runs on a later one.</summary>
    private static Factory?[] FindFactories()
    {
        var factories = new Factory?[MostLevels];
        if (typeof(DeflateStream).Assembly.GetType("System.IO.Compression.ZLibCompressionOptions") is not { } type || type.GetProperty(nameof(CompressionLevel)) is not { } property)
            return factories;
        Type[] signature = [typeof(Stream), type, typeof(bool)];
        if (typeof(ZLibStream).GetConstructor(signature) is not { } zlibStream || typeof(DeflateStream).GetConstructor(signature) is not { } deflateStream)
            return factories;
        var (makeZLib, makeDeflate) = (ConstructorInvoker.Create(zlibStream), ConstructorInvoker.Create(deflateStream));
        for (var level = 1; level < MostLevels; level++)
        {
            var options = Activator.CreateInstance(type)!;
            property.SetValue(options, level);
            factories[level] = (target, zlib) => (Stream)(zlib ? makeZLib : makeDeflate).Invoke(target, options, true);
        }

        return factories;
    }
}
