using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Upload;

namespace AzureIaaS.Azure.Tests.Upload;

/// <summary>The checksum of pages, against the catalogue's check value and a plain implementation.</summary>
public sealed class Crc64Tests
{
    [Fact]
    public void The_check_value_is_the_catalogues() => Assert.Equal(0xAE8B14860A799888, Crc64.Compute("123456789"u8));

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(127)]
    [InlineData(128)]
    [InlineData(129)]
    [InlineData(512)]
    [InlineData(4096 + 63)]
    [InlineData((64 << 10) + 17)]
    [InlineData(4 << 20)]
    public void Every_length_has_the_checksum_that_byte_by_byte_gives(int length)
    {
        var data = new byte[length];
        new Random(length).NextBytes(data);

        Assert.Equal(PageChecksum.Of(data), Crc64.Header(data));
        Assert.Equal(Crc64.Compute(data), Crc64.ComputePortable(data));
    }

    [Fact]
    public void One_bit_changes_it()
    {
        var data = new byte[1024];
        var former = Crc64.Compute(data);
        for (var bit = 0; bit < data.Length * 8; bit += 61)
        {
            data[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.NotEqual(former, Crc64.Compute(data));
            data[bit / 8] ^= (byte)(1 << (bit % 8));
        }
    }
}
