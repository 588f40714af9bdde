using System.Text.Json;
using AzureIaaS.Networks;
using Shouldly;

namespace AzureIaaS.Core.Tests.Networks;

public class SiteTests
{
    private static readonly VirtualNetwork Corp = new() { Id = Guid.NewGuid(), Name = "corp", Subnet = "10.20.0.0/24", GatewayAddress = "10.20.0.1", DnsSuffix = "corp.example", Peers = ["lab"] };
    private static readonly VirtualNetwork Lab = new() { Id = Guid.NewGuid(), Name = "lab", Subnet = "10.30.0.0/24", GatewayAddress = "10.30.0.1" };

    [Fact]
    public void A_site_as_it_is_usual_is_accepted() => Check(Office());

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
    };

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_cannot_work_is_refused_before_anything_is_made(string id, string property, string value)
    {
        var site = Office();
        string[] list = value.Length == 0 ? [] : value.Split(',');
        switch (property)
        {
            case "Subnets": site.Subnets = list; break;
            case "GatewayAddress": site.GatewayAddress = value; break;
            case "DnsServers": (site.DnsSuffix, site.DnsServers) = ("office.example", list); break;
            case "DnsSuffix": site.DnsSuffix = value; break;
            case "DpdTimeoutSeconds": site.DpdTimeoutSeconds = int.Parse(value, System.Globalization.CultureInfo.InvariantCulture); break;
            case "SaLifetimeSeconds": site.Policy = site.Policy with { SaLifetimeSeconds = int.Parse(value, System.Globalization.CultureInfo.InvariantCulture) }; break;
            default: site.Name = value; break;
        }

        var refusal = Should.Throw<IaaSException>(() => Check(site));
        refusal.ErrorId.ShouldBe(id);
        refusal.Remedy.ShouldNotBeNullOrEmpty();
    }

    [Fact]
    public void The_names_of_the_network_itself_are_not_asked_of_a_site()
    {
        var site = Office();
        (site.DnsSuffix, site.DnsServers) = ("Corp.Example.", ["192.168.10.53"]);
        Should.Throw<IaaSException>(() => Check(site)).ErrorId.ShouldBe("DnsSuffixTaken");
        site.DnsSuffix = "example";
        Check(site);
    }

    [Fact]
    public void Two_networks_with_the_same_addresses_cannot_both_have_sites()
    {
        var twin = new VirtualNetwork { Id = Guid.NewGuid(), Name = "twin", Subnet = "10.20.0.0/25", GatewayAddress = "10.20.0.1" };
        var there = new Site { Id = Guid.NewGuid(), Name = "there", NetworkId = Corp.Id, Subnets = ["172.17.0.0/16"] };
        Should.Throw<IaaSException>(() => SiteRules.Check(Office(), twin, [Corp, Lab, twin], [there])).ErrorId.ShouldBe("SubnetsOverlap");
    }

    [Fact]
    public void A_configuration_has_a_placeholder_unless_the_key_is_given()
    {
        foreach (var device in Enum.GetValues<SiteDevice>())
        {
            var without = SiteConfiguration.Render(device, Office(), Corp, null);
            without.ShouldContain(SiteConfiguration.Placeholder);
            var with = SiteConfiguration.Render(device, Office(), Corp, "k\"ey}");
            with.ShouldNotContain(SiteConfiguration.Placeholder);
            foreach (var part in new[] { "203.0.113.7", "203.0.113.1", "192.168.10.0/24", "10.20.0.0/24" })
                with.ShouldContain(part);
        }

        // As base64: nothing in a key can end its quotes.
        SiteConfiguration.ForStrongSwan(Office(), Corp, "k\"ey}").ShouldContain("secret = 0sayJleX0=\n");
        SiteConfiguration.Table(Office(), Corp, "k\"ey}").ShouldContain(p => p.Value == "k\"ey}");
        SiteConfiguration.Table(Office(), Corp, null).ShouldContain(new SiteParameter("Forward DNS names", "corp.example to 10.20.0.1"));
    }

    [Fact]
    public void A_configuration_is_written_for_its_owner_alone_and_replaces_nothing_unasked()
    {
        var folder = Directory.CreateTempSubdirectory("azureiaas-").FullName;
        try
        {
            var path = Path.Combine(folder, "swanctl.conf");
            SiteConfiguration.Save(path, "one", overwrite: false);
            Should.Throw<IaaSException>(() => SiteConfiguration.Save(path, "two", overwrite: false)).Kind.ShouldBe(ErrorKind.AlreadyExists);
            if (!OperatingSystem.IsWindows())
                File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.OtherRead);
            SiteConfiguration.Save(path, "two", overwrite: true);
            File.ReadAllText(path).ShouldBe("two");
            if (!OperatingSystem.IsWindows())
                File.GetUnixFileMode(path).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
            Directory.GetFiles(folder).Length.ShouldBe(1);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Policies_are_proposals_in_the_daemons_words()
    {
        var policy = new IpsecPolicy();
        (policy.IkeProposal, policy.EspProposal).ShouldBe(("aes256-sha256-modp2048", "aes256gcm16-modp2048"));
        policy = new IpsecPolicy { IkeEncryption = IkeEncryption.GCMAES128, IkeIntegrity = IkeIntegrity.SHA384, DhGroup = DhGroup.ECP384, IpsecEncryption = IpsecEncryption.AES128, IpsecIntegrity = IpsecIntegrity.SHA1, PfsGroup = PfsGroup.None };
        (policy.IkeProposal, policy.EspProposal).ShouldBe(("aes128gcm16-prfsha384-ecp384", "aes128-sha1"));
        policy = policy with { DhGroup = DhGroup.DHGroup24, PfsGroup = PfsGroup.PFS24 };
        (policy.IkeProposal, policy.EspProposal).ShouldBe(("aes128gcm16-prfsha384-modp2048s256", "aes128-sha1-modp2048s256"));
    }

    [Fact]
    public void A_site_is_the_same_when_it_is_read_again()
    {
        var site = Office();
        site.Policy = site.Policy with { DhGroup = DhGroup.ECP256 };
        var text = JsonSerializer.Serialize(site, CoreJson.Default.Site);
        text.ShouldContain("\"ECP256\"");
        JsonSerializer.Deserialize(text, CoreJson.Default.Site)!.Policy.ShouldBe(site.Policy);
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("schlüssel", false)]
    [InlineData("two\nlines", false)]
    [InlineData("k", true)]
    public void Keys_are_what_can_be_typed_in_everywhere(string key, bool isKey)
    {
        if (isKey)
        {
            SharedKey.Check(key).ShouldBe(key);
            return;
        }

        var refusal = Should.Throw<IaaSException>(() => SharedKey.Check(key));
        (refusal.Message + refusal.Remedy).ShouldNotContain("schl");
        Should.Throw<IaaSException>(() => SharedKey.Check(new string('k', 129)));
        SharedKey.Check(SharedKey.Make()).ShouldNotBe(SharedKey.Make());
    }

    private static Site Office() => new() { Id = Guid.NewGuid(), Name = "office", NetworkId = Corp.Id, Network = "corp", Subnets = ["192.168.10.0/24"], GatewayAddress = "203.0.113.7", LocalAddress = "203.0.113.1" };

    private static void Check(Site site) =>
        SiteRules.Check(site, Corp, [Corp, Lab], [new Site { Id = Guid.NewGuid(), Name = "other", NetworkId = Corp.Id, Subnets = ["172.16.0.0/12"] }]);
}
