using AzureIaaS.Local.Networking.Sites;
using AzureIaaS.Local.Tests.Support;

namespace AzureIaaS.Local.Tests.Networking;

/// <summary>The messages that the IKE daemon is given, and gives.</summary>
public class ViciTests
{
    /// <summary>The encoding example of the protocol's own description.</summary>
    [Fact]
    public void AMessageIsWrittenAsTheProtocolsDescriptionShows()
    {
        var message = new ViciSection().Add("key1", "value1").Add("section1", new ViciSection()
            .Add("sub-section", new ViciSection().Add("key2", "value2")).Add("list1", ["item1", "item2"]));
        byte[] wanted =
        [
            3, 4, .. "key1"u8, 0, 6, .. "value1"u8, 1, 8, .. "section1"u8, 1, 11, .. "sub-section"u8, 3, 4, .. "key2"u8, 0, 6, .. "value2"u8, 2,
            4, 5, .. "list1"u8, 5, 0, 5, .. "item1"u8, 5, 0, 5, .. "item2"u8, 6, 2,
        ];
        Assert.Equal(wanted, message.Encode());
        var read = ViciSection.Decode(wanted);
        Assert.Equal(("value1", "value2"), (read.Text("key1"), read.Section("section1").Section("sub-section").Text("key2")));
        Assert.Equal(["item1", "item2"], read.Section("section1").List("list1"));
        Assert.Null(read.Section("nothing").Text("key1"));
    }

    [Fact]
    public void AMessageThatIsCutOffOrMutatedIsRefusedAndNothingElse()
    {
        var whole = new ViciSection().Add("a", "b").Add("s", new ViciSection().Add("l", ["x", "y"])).Encode();
        var refused = 0;
        var random = new Random(7);
        for (var i = 0; i < 20_000 * Soak.Factor; i++)
        {
            var data = whole[..(i < whole.Length ? i : whole.Length)];
            if (i >= whole.Length)
                data[random.Next(data.Length)] = (byte)random.Next(256);
            try
            {
                ViciSection.Decode(data);
            }
            catch (FormatException)
            {
                refused++;
            }
        }

        Assert.True(refused > 1000, $"{refused} of 20,000 were refused.");
        Assert.Throws<FormatException>(() => ViciSection.Decode(Enumerable.Repeat((byte[])[1, 0], 1000).SelectMany(b => b).ToArray()));
    }

    [Fact]
    public void WhatIsNoTextIsWrittenByteForByte()
    {
        byte[] list = [0xFF, 0, 0xC3, 0x28];   // no UTF-8
        Assert.Equal([3, 1, (byte)'d', 0, 4, .. list], new ViciSection().Add("d", list.AsMemory()).Encode());
        Assert.Throws<OverflowException>(() => new ViciSection().Add("d", new byte[65_536]).Encode());
    }
}
