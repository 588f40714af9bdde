using System.Net;
using AzureIaaS.Networks;

namespace AzureIaaS.Tests.Networks;

public class AddressPoolTests
{
    [Fact]
    public void TheFirstFourAddressesAndTheLastAreKept()
    {
        var pool = new AddressPool("10.20.0.0/29");
        Assert.Equal((IPAddress.Parse("10.20.0.1"), 3), (pool.Gateway, pool.Size));
        var taken = new HashSet<IPAddress>();
        while (pool.Next(taken.Contains) is { } next)
            taken.Add(next);
        Assert.Equal(["10.20.0.4", "10.20.0.5", "10.20.0.6"], taken.Select(a => a.ToString()).Order());
    }

    [Fact]
    public void ThePoolOfALargeSubnetIsCountedAndNotWalked()
    {
        var pool = new AddressPool("10.0.0.0/8");
        Assert.Equal((1L << 24) - 5, pool.Size);
        Assert.Equal(IPAddress.Parse("10.0.0.4"), pool.Next(_ => false));
        Assert.Equal("10.255.255.254", pool.Check("10.255.255.254").ToString());
    }

    [Theory]
    [InlineData("10.20.0.5/24", "10.20.0.0/24")]
    [InlineData("10.20.0.0", "10.20.0.0/24")]
    [InlineData("10.20.0.0/30", "/29")]
    [InlineData("0.0.0.0/1", "/8")]
    [InlineData("127.0.0.0/8", "RFC 1918")]
    [InlineData("169.254.0.0/24", "RFC 1918")]
    [InlineData("224.0.0.0/8", "RFC 1918")]
    [InlineData("hello", "10.20.0.0/24")]
    public void AnImpossibleSubnetIsRefusedWithARemedy(string subnet, string remedy)
    {
        var error = Assert.Throws<IaaSException>(() => new AddressPool(subnet));
        Assert.Equal(("InvalidSubnet", ErrorKind.InvalidArgument), (error.ErrorId, error.Kind));
        Assert.Contains(remedy, error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public void ASubnetOfIPv6IsNotSupportedYetRatherThanInvalid() =>
        Assert.Equal("SubnetNotSupported", Assert.Throws<IaaSException>(() => new AddressPool("fd00::/64")).ErrorId);

    [Theory]
    [InlineData("10.20.1.5", "AddressOutsideSubnet")]
    [InlineData("10.20.0.1", "AddressKept")]
    [InlineData("10.20.0.3", "AddressKept")]
    [InlineData("10.20.0.255", "AddressKept")]
    [InlineData("10.20.0", "InvalidIPAddress")]
    [InlineData("fd00::1", "InvalidIPAddress")]
    [InlineData("010.20.0.9", "InvalidIPAddress")]
    public void AnAddressThatAMachineCannotHaveIsRefused(string address, string errorId) =>
        Assert.Equal(errorId, Assert.Throws<IaaSException>(() => new AddressPool("10.20.0.0/24").Check(address)).ErrorId);

    [Theory]
    [InlineData("10.0.0.0/8", "10.20.0.0/24", true)]
    [InlineData("10.20.0.0/24", "10.20.1.0/24", false)]
    [InlineData("10.20.0.0/24", "10.20.0.0/24", true)]
    public void SubnetsOverlapWhenTheyHaveAnAddressInCommon(string one, string other, bool overlap)
    {
        Assert.Equal(overlap, AddressPool.Overlap(IPNetwork.Parse(one), IPNetwork.Parse(other)));
        Assert.Equal(overlap, AddressPool.Overlap(IPNetwork.Parse(other), IPNetwork.Parse(one)));
    }
}
