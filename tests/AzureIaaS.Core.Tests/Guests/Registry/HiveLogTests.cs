using AzureIaaS.Guests.FileSystems;
using AzureIaaS.Guests.Registry;

namespace AzureIaaS.Tests.Guests.Registry;

/// <summary>Hives whose last writes are only in their transaction logs.</summary>
public class HiveLogTests
{
    private static readonly byte[] First = State("first");
    private static readonly byte[] Second = State("second");
    private static readonly byte[] Third = State("third", more: 400);

    [Fact]
    public void TheHashIsTheOneThatOthersCompute()
    {
        // Computed by an independent implementation.
        Assert.Equal(0xB39EFCA403966E08UL, Marvin32.Of([]));
        Assert.Equal(0xC64FEEE425C2E24CUL, Marvin32.Of([.. Enumerable.Range(0, 32).Select(i => (byte)i)]));
    }

    [Fact]
    public void EveryWriteOfALogIsApplied()
    {
        var hive = Open(HiveLogBuilder.Dirty(First), HiveLogBuilder.New(5, First, Second, Third), []);
        Assert.Equal((true, false), (hive.IsRecovered, hive.IsDirty));
        Assert.Equal(RegistryHiveTests.Described(RegistryHiveTests.Open(Third).Root), RegistryHiveTests.Described(hive.Root));
    }

    [Fact]
    public void ASecondLogGoesOnWhereTheFirstEnds()
    {
        var (older, newer) = (HiveLogBuilder.New(5, First, Second), HiveLogBuilder.New(6, Second, Third));
        Assert.Equal("third", Value(Open(HiveLogBuilder.Dirty(First), newer, older)));
        Assert.Equal("third", Value(Open(HiveLogBuilder.Dirty(First), older, newer)));

        // One that does not follow is not applied.
        Assert.Equal("second", Value(Open(HiveLogBuilder.Dirty(First), older, HiveLogBuilder.New(9, Second, Third))));
    }

    [Fact]
    public void WhatIsOlderOrDamagedIsNotApplied()
    {
        var older = Open(HiveLogBuilder.Dirty(First), HiveLogBuilder.New(2, First, Third));
        Assert.Equal(("first", false, true), (Value(older), older.IsRecovered, older.IsDirty));

        // The first write counts, the damaged one behind it does not.
        var log = HiveLogBuilder.New(5, First, Second, Third);
        log[^600] ^= 1;
        Assert.Equal("second", Value(Open(HiveLogBuilder.Dirty(First), log)));

        // A hive that was written whole needs no log.
        var whole = Open(First, HiveLogBuilder.New(5, First, Third));
        Assert.Equal(("first", false, false), (Value(whole), whole.IsRecovered, whole.IsDirty));
    }

    [Fact]
    public void ADamagedBaseBlockIsTakenFromTheNewestLog()
    {
        var damaged = HiveLogBuilder.Dirty(First);
        damaged[40] ^= 0xFF;
        Assert.Throws<FileSystemException>(() => Open(damaged));
        Assert.Equal("second", Value(Open(damaged, HiveLogBuilder.New(6, First, Second), HiveLogBuilder.New(5, First, First))));
    }

    [Fact]
    public void ALogOfTheOldFormatIsApplied()
    {
        var hive = Open(HiveLogBuilder.Dirty(First), HiveLogBuilder.Old(First, Third));
        Assert.True(hive.IsRecovered);
        Assert.Equal(RegistryHiveTests.Described(RegistryHiveTests.Open(Third).Root), RegistryHiveTests.Described(hive.Root));
    }

    private static string? Value(RegistryHive hive) => hive.Key("Here")!.Text("Value");

    private static byte[] State(string value, int more = 20)
    {
        var builder = new HiveBuilder().Set("Here", "Value", value);
        for (var i = 0; i < more; i++)
            builder.Set($@"Here\key{i}", "Number", i);
        return builder.Build();
    }

    private static RegistryHive Open(byte[] hive, params byte[][] logs) => new(new InlineFile(hive), [.. logs.Select(l => new InlineFile(l))]);
}
