using AzureIaaS.Networks;

namespace AzureIaaS.Tests.Networks;

public class NamesAndAddressesTests
{
    private static readonly Guid Vm = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff");

    [Theory]
    [InlineData("00-15-5D-0A-0B-0C", "00:15:5d:0a:0b:0c")]
    [InlineData("00155d0a0b0c", "00:15:5d:0a:0b:0c")]
    [InlineData("0015.5d0a.0b0c", "00:15:5d:0a:0b:0c")]
    [InlineData("01:15:5d:0a:0b:0c", null)]
    [InlineData("00:00:00:00:00:00", null)]
    [InlineData("00:15:5d:0a:0b", null)]
    [InlineData("zz:15:5d:0a:0b:0c", null)]
    [InlineData(null, null)]
    public void AHardwareAddressHasOneForm(string? text, string? normal) => Assert.Equal(normal, MacAddress.Normalize(text));

    [Fact]
    public void AMachineKeepsTheHardwareAddressOfItsSource() =>
        Assert.Equal("00:15:5d:0a:0b:0c", MacAddress.Choose("00-15-5D-0A-0B-0C", Vm, 0, _ => false));

    [Fact]
    public void ASecondImportOfTheSameSourceGetsANewOne()
    {
        var taken = new HashSet<string> { "00:15:5d:0a:0b:0c" };
        var made = MacAddress.Choose("00:15:5d:0a:0b:0c", Vm, 0, taken.Contains);
        Assert.Equal("52:54:00:dd:ee:ff", made);
        taken.Add(made);
        Assert.NotEqual(made, MacAddress.Choose("00:15:5d:0a:0b:0c", Vm, 0, taken.Contains));
    }

    [Fact]
    public void AdaptersOfOneMachineDiffer() =>
        Assert.Equal(8, Enumerable.Range(0, 8).Select(i => MacAddress.Choose(null, Vm, i, _ => false)).Distinct().Count());

    [Theory]
    [InlineData("sp-web1", "sp-web1")]
    [InlineData("Web Server (new)", "web-server-new")]
    [InlineData("größe", "gr-e")]
    [InlineData("***", "vm")]
    [InlineData("-x-", "x")]
    public void AMachinesNameBecomesALabel(string name, string label) => Assert.Equal(label, DnsName.LabelOf(name, _ => false));

    [Fact]
    public void LabelsAreUniqueAndNeverTooLong()
    {
        var taken = new HashSet<string>();
        for (var i = 0; i < 12; i++)
        {
            var label = DnsName.LabelOf(new string('a', 80), taken.Contains);
            Assert.InRange(label.Length, 1, 63);
            Assert.True(taken.Add(label));
        }
    }

    [Theory]
    [InlineData("Corp.Contoso.Example.", "corp.contoso.example")]
    [InlineData("lan", "lan")]
    public void ASuffixIsLowerCaseWithoutADotAtItsEnd(string given, string suffix) => Assert.Equal(suffix, DnsName.CheckSuffix(given));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("a..b")]
    [InlineData("-a.b")]
    [InlineData("a_b.example")]
    public void WhatIsNoSuffixIsRefused(string suffix) => Assert.Equal("InvalidDnsSuffix", Assert.Throws<IaaSException>(() => DnsName.CheckSuffix(suffix)).ErrorId);

    [Theory]
    [InlineData("8080:80", "127.0.0.1", 8080, 80, false)]
    [InlineData("0.0.0.0:8080:80", "0.0.0.0", 8080, 80, false)]
    [InlineData("5353:53/udp", "127.0.0.1", 5353, 53, true)]
    [InlineData("443", "127.0.0.1", 443, 443, false)]
    public void APublishedPortIsReadAsItIsTyped(string text, string address, int host, int port, bool udp)
    {
        var published = PublishedPort.Parse(text);
        Assert.Equal((address, host, port, udp), (published.HostAddress, published.HostPort, published.Port, published.Udp));
        Assert.Equal(published.ToString(), PublishedPort.Parse(published.ToString()).ToString());
    }

    [Theory]
    [InlineData("0")]
    [InlineData("http")]
    [InlineData("0:80")]
    [InlineData("8080:65536")]
    [InlineData("localhost:8080:80")]
    [InlineData("::1:8080:80")]
    [InlineData("")]
    public void AnythingElseIsRefused(string text) => Assert.Equal("InvalidPublishedPort", Assert.Throws<IaaSException>(() => PublishedPort.Parse(text)).ErrorId);
}
