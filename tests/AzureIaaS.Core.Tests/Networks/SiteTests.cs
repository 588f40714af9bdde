using System.Text.Json;
using AzureIaaS.Networks;

namespace AzureIaaS.Tests.Networks;

public class SiteTests
{
    private static readonly VirtualNetwork Corp = new() { Id = Guid.NewGuid(), Name = "corp", Subnet = "10.20.0.0/24", GatewayAddress = "10.20.0.1", DnsSuffix = "corp.example", Peers = ["lab"] };
    private static readonly VirtualNetwork Lab = new() { Id = Guid.NewGuid(), Name = "lab", Subnet = "10.30.0.0/24", GatewayAddress = "10.30.0.1" };

    [Fact]
    public void ASiteAsItIsUsualIsAccepted() => Check(Office());

    public static TheoryData<string, string, string> Refused() => new()
    {
        { "InvalidSubnet", "Subnets", "192.168.10.1/24" },
        { "InvalidSubnet", "Subnets", "fd00::/64" },
        { "InvalidSubnet", "Subnets", "0.0.0.0/0" },
        { "InvalidSubnet", "Subnets", "" },
        { "SubnetsOverlap", "Subnets", "10.20.0.0/16" },
        { "SubnetsOverlap", "Subnets", "10.30.0.128/25" },
        { "SubnetsOverlap", "Subnets", "192.168.0.0/16,192.168.10.0/24" },
        { "SubnetsOverlap", "Subnets", "172.16.5.0/24" },
        { "GatewayInsideSite", "GatewayAddress", "192.168.10.1" },
        { "InvalidGatewayAddress", "GatewayAddress", "vpn.contoso.example" },
        { "InvalidGatewayAddress", "GatewayAddress", "203.0.113.1" },
        { "InvalidDnsServer", "DnsServers", "8.8.8.8" },
        { "DnsSuffixAlone", "DnsSuffix", "office.example" },
        { "InvalidDpdTimeout", "DpdTimeoutSeconds", "5" },
        { "InvalidLifetime", "SaLifetimeSeconds", "100" },
        { "InvalidSiteName", "Name", "a/b" },
        { "InvalidGatewayIdentity", "GatewayIdentity", "CN=*" },
        { "InvalidGatewayIdentity", "GatewayIdentity", "%any" },
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void WhatCannotWorkIsRefusedBeforeAnythingIsMade(string id, string property, string value)
    {
        var site = Office();
        string[] list = value.Length == 0 ? [] : value.Split(',');
        switch (property)
        {
            case "Subnets": site.Subnets = list; break;
            case "GatewayAddress": site.GatewayAddress = value; break;
            case "DnsServers": (site.DnsSuffix, site.DnsServers) = ("office.example", list); break;
            case "DnsSuffix": site.DnsSuffix = value; break;
            case "GatewayIdentity": site.GatewayIdentity = value; break;
            case "DpdTimeoutSeconds": site.DpdTimeoutSeconds = int.Parse(value, System.Globalization.CultureInfo.InvariantCulture); break;
            case "SaLifetimeSeconds": site.Policy = site.Policy with { SaLifetimeSeconds = int.Parse(value, System.Globalization.CultureInfo.InvariantCulture) }; break;
            default: site.Name = value; break;
        }

        var refusal = Assert.Throws<IaaSException>(() => Check(site));
        Assert.Equal(id, refusal.ErrorId);
        Assert.False(string.IsNullOrEmpty(refusal.Remedy));
    }

    [Fact]
    public void TheNamesOfTheNetworkItselfAreNotAskedOfASite()
    {
        var site = Office();
        (site.DnsSuffix, site.DnsServers) = ("Corp.Example.", ["192.168.10.53"]);
        Assert.Equal("DnsSuffixTaken", Assert.Throws<IaaSException>(() => Check(site)).ErrorId);
        site.DnsSuffix = "example";
        Check(site);
    }

    [Fact]
    public void TwoNetworksWithTheSameAddressesCannotBothHaveSites()
    {
        var twin = new VirtualNetwork { Id = Guid.NewGuid(), Name = "twin", Subnet = "10.20.0.0/25", GatewayAddress = "10.20.0.1" };
        var there = new Site { Id = Guid.NewGuid(), Name = "there", NetworkId = Corp.Id, Subnets = ["172.17.0.0/16"] };
        Assert.Equal("SubnetsOverlap", Assert.Throws<IaaSException>(() => SiteRules.Check(Office(), twin, [Corp, Lab, twin], [there])).ErrorId);
    }

    [Fact]
    public void AConfigurationHasAPlaceholderUnlessTheKeyIsGiven()
    {
        foreach (var device in Enum.GetValues<SiteDevice>())
        {
            var without = SiteConfiguration.Render(device, Office(), Corp, null);
            Assert.Contains(SiteConfiguration.Placeholder, without, StringComparison.Ordinal);
            var with = SiteConfiguration.Render(device, Office(), Corp, "k\"ey}");
            Assert.DoesNotContain(SiteConfiguration.Placeholder, with, StringComparison.Ordinal);
            foreach (var part in new[] { "203.0.113.7", "203.0.113.1", "192.168.10.0/24", "10.20.0.0/24" })
                Assert.Contains(part, with, StringComparison.Ordinal);
        }

        // As base64: nothing in a key can end its quotes.
        Assert.Contains("secret = 0sayJleX0=\n", SiteConfiguration.ForStrongSwan(Office(), Corp, "k\"ey}"), StringComparison.Ordinal);
        Assert.Contains(SiteConfiguration.Table(Office(), Corp, "k\"ey}"), p => p.Value == "k\"ey}");
        Assert.Contains(new SiteParameter("Forward DNS names", "corp.example to 10.20.0.1"), SiteConfiguration.Table(Office(), Corp, null));
    }

    [Fact]
    public void AConfigurationIsWrittenForItsOwnerAloneAndReplacesNothingUnasked()
    {
        var folder = Directory.CreateTempSubdirectory("azureiaas-").FullName;
        try
        {
            var path = Path.Combine(folder, "swanctl.conf");
            SiteConfiguration.Save(path, "one", overwrite: false);
            Assert.Equal(ErrorKind.AlreadyExists, Assert.Throws<IaaSException>(() => SiteConfiguration.Save(path, "two", overwrite: false)).Kind);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.OtherRead);
            SiteConfiguration.Save(path, "two", overwrite: true);
            Assert.Equal("two", File.ReadAllText(path));
            if (!OperatingSystem.IsWindows())
                Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(path));
            Assert.Single(Directory.GetFiles(folder));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void PoliciesAreProposalsInTheDaemonsWords()
    {
        var policy = new IpsecPolicy();
        Assert.Equal(("aes256-sha256-modp2048", "aes256gcm16-modp2048"), (policy.IkeProposal, policy.EspProposal));
        policy = new IpsecPolicy { IkeEncryption = IkeEncryption.GCMAES128, IkeIntegrity = IkeIntegrity.SHA384, DhGroup = DhGroup.ECP384, IpsecEncryption = IpsecEncryption.AES128, IpsecIntegrity = IpsecIntegrity.SHA1, PfsGroup = PfsGroup.None };
        Assert.Equal(("aes128gcm16-prfsha384-ecp384", "aes128-sha1"), (policy.IkeProposal, policy.EspProposal));
        policy = policy with { DhGroup = DhGroup.DHGroup24, PfsGroup = PfsGroup.PFS24 };
        Assert.Equal(("aes128gcm16-prfsha384-modp2048s256", "aes128-sha1-modp2048s256"), (policy.IkeProposal, policy.EspProposal));
    }

    [Fact]
    public void ASiteIsTheSameWhenItIsReadAgain()
    {
        var site = Office();
        site.Policy = site.Policy with { DhGroup = DhGroup.ECP256 };
        var text = JsonSerializer.Serialize(site, CoreJson.Default.Site);
        Assert.Contains("\"ECP256\"", text, StringComparison.Ordinal);
        Assert.Equal(site.Policy, JsonSerializer.Deserialize(text, CoreJson.Default.Site)!.Policy);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("schlüssel", false)]
    [InlineData("two\nlines", false)]
    [InlineData("k", true)]
    public void KeysAreWhatCanBeTypedInEverywhere(string key, bool isKey)
    {
        if (isKey)
        {
            Assert.Equal(key, SharedKey.Check(key));
            return;
        }

        var refusal = Assert.Throws<IaaSException>(() => SharedKey.Check(key));
        Assert.DoesNotContain("schl", refusal.Message + refusal.Remedy, StringComparison.Ordinal);
        Assert.Throws<IaaSException>(() => SharedKey.Check(new string('k', 129)));
        Assert.NotEqual(SharedKey.Make(), SharedKey.Check(SharedKey.Make()));
    }

    private static Site Office() => new() { Id = Guid.NewGuid(), Name = "office", NetworkId = Corp.Id, Network = "corp", Subnets = ["192.168.10.0/24"], GatewayAddress = "203.0.113.7", LocalAddress = "203.0.113.1" };

    private static void Check(Site site) =>
        SiteRules.Check(site, Corp, [Corp, Lab], [new Site { Id = Guid.NewGuid(), Name = "other", NetworkId = Corp.Id, Subnets = ["172.16.0.0/12"] }]);
}
