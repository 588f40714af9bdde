using System.Xml.Linq;
using AzureIaaS.Guests.FileSystems;
using AzureIaaS.Guests.Registry;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests.Registry;

/// <summary>Hives: of our own making with everything that Windows writes, checked by hivex; and of hivex' making.</summary>
public sealed class RegistryHiveTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("lf")]
    [InlineData("lh")]
    [InlineData("li")]
    [InlineData("ri")]
    public void EveryKeyAndValueIsFound(string lists)
    {
        var hive = Open(Many(lists).Build());
        Assert.False(hive.IsDirty);
        Assert.Equal(40, hive.Key("many")!.Subkeys().Count());
        Assert.Equal("17", hive.Key(@"MANY\key17\deep")!.Text("Number"));
        var kinds = hive.Key("Kinds")!;
        Assert.Equal("text", kinds.Text("text"));
        Assert.Equal("its own", kinds.Text(""));
        Assert.Equal(["one", "two"], kinds.Texts("Texts"));
        Assert.Equal(uint.MaxValue, kinds.Number("Dword"));
        Assert.Equal(1L << 40, kinds.Number("Qword"));
        Assert.Equal([1, 2, 3], kinds.Value("Few")!.Data);
        Assert.Equal(TestImages.Pattern(70_000), kinds.Value("Big")!.Data);
        Assert.Equal("Jürgen", hive.Key("Ünicode")!.Text("name"));
        Assert.NotNull(hive.Key("日本"));
        Assert.Null(hive.Key(@"many\key99"));
        Assert.Null(kinds.Value("nothing"));
        Assert.Null(kinds.Number("Text"));
        Assert.True(Open(new HiveBuilder { IsDirty = true }.Set("A", "B", 1).Build()).IsDirty);
    }

    [SkippableTheory]
    [InlineData("lf")]
    [InlineData("lh")]
    [InlineData("li")]
    [InlineData("ri")]
    public void HivexReadsTheSameInOurSpecimens(string lists)
    {
        Programs.Require("hivexml");
        var bytes = Many(lists).Build();
        var xml = XDocument.Parse(Programs.Run("hivexml", _folder.Write("hive", bytes)));
        Assert.Equal(Described(xml.Root!.Element("node")!), Described(Open(bytes).Root));
    }

    [SkippableFact]
    public void WhatHivexWritesIsRead()
    {
        Programs.Require("hivexsh");
        var path = _folder.Write("hive", new HiveBuilder().Set("Seed", "Value", 1).Build());
        var script = string.Concat(Enumerable.Range(0, 300).Select(i => $"cd \\\nadd key{i}\ncd key{i}\nsetval 2\n@\nstring:{i}\nNumber\ndword:{i}\n"));
        Programs.RunWith(script + "commit\nexit\n", "hivexsh", "-w", path);
        var hive = Open(File.ReadAllBytes(path));
        Assert.Equal(301, hive.Root.Subkeys().Count());
        for (var i = 0; i < 300; i += 37)
            Assert.Equal(($"{i}", (long?)i), (hive.Key($"key{i}")!.Text(""), hive.Key($"key{i}")!.Number("number")));
        Assert.Equal(1, hive.Key("seed")!.Number("value"));
    }

    [Fact]
    public void AWrongChecksumIsRefused()
    {
        var bytes = Many("lh").Build();
        bytes[44] ^= 1;
        Assert.Contains("checksum", Assert.Throws<FileSystemException>(() => Open(bytes)).Message, StringComparison.Ordinal);
    }

    internal static HiveBuilder Many(string lists)
    {
        var builder = new HiveBuilder { Lists = lists };
        for (var i = 0; i < 40; i++)
            builder.Set($@"many\key{i}\deep", "Number", $"{i}");
        return builder.Set("Kinds", "Text", "text").Set("Kinds", "", "its own").Set("Kinds", "Texts", new[] { "one", "two" }).Set("Kinds", "Dword", -1).Set("Kinds", "Qword", 1L << 40)
            .Set("Kinds", "Few", new byte[] { 1, 2, 3 }).Set("Kinds", "Big", TestImages.Pattern(70_000)).Set("Ünicode", "Name", "Jürgen").Set("日本", "Name", "x");
    }

    internal static RegistryHive Open(byte[] bytes) => new(new InlineFile(bytes));

    internal static string Described(HiveKey key) =>
        $"{key.Name}({string.Join(',', key.Values().Select(v => $"{v.Name}={Described(v)}"))})[{string.Join(',', key.Subkeys().Select(Described))}]";

    private static string Described(HiveValue value) => value.Type switch
    {
        HiveValueType.Text => value.Text!,
        HiveValueType.Number => $"{(int)value.Number!}",
        HiveValueType.LongNumber => $"{value.Number}",
        HiveValueType.Texts => string.Join('|', value.Texts),
        _ => Convert.ToBase64String(value.Data),
    };

    internal static string Described(XElement node) => $"{(string?)node.Attribute("name")}("
        + string.Join(',', node.Elements("value").Select(v => $"{(string?)v.Attribute("key")}={Described(v, (string)v.Attribute("type")!)}")) + ")["
        + string.Join(',', node.Elements("node").Select(Described)) + "]";

    private static string Described(XElement value, string type) => type switch
    {
        "string-list" => string.Join('|', value.Elements("string").Select(s => s.Value).Where(s => s.Length > 0)),
        _ => ((string)value.Attribute("value")!).Replace(value.Attribute("encoding") is null ? "\0" : " ", "", StringComparison.Ordinal),   // its base64 has line ends
    };
}
