namespace AzureIaaS.Tests;

public class ByteSizeTests
{
    [Theory]
    [InlineData("0", 0)]
    [InlineData("512", 512)]
    [InlineData("512MB", 512L << 20)]
    [InlineData("512 mb", 512L << 20)]
    [InlineData("1.5GB", 3L << 29)]
    [InlineData("4GiB", 4L << 30)]
    [InlineData("2T", 2L << 40)]
    [InlineData("7B", 7)]
    public void Reads(string text, long bytes)
    {
        Assert.True(ByteSize.TryParse(text, out var found));
        Assert.Equal(bytes, found);
    }

    [Theory]
    [InlineData("")]
    [InlineData("MB")]
    [InlineData("-1")]
    [InlineData("1XB")]
    [InlineData("1e9")]
    [InlineData("99999999999999999999")]
    [InlineData("9999999PB")]
    [InlineData("1..5GB")]
    public void Refuses(string text) => Assert.False(ByteSize.TryParse(text, out _));

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(1023, "1023 B")]
    [InlineData(1536, "1.5 KB")]
    [InlineData(512L << 20, "512 MB")]
    [InlineData(1L << 40, "1 TB")]
    public void Writes(long bytes, string text) => Assert.Equal(text, ByteSize.Format(bytes));
}
