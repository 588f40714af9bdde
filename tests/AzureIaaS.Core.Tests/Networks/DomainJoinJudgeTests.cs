using AzureIaaS.Networks;
using AzureIaaS.Readiness;

namespace AzureIaaS.Tests.Networks;

public class DomainJoinJudgeTests
{
    private static readonly DomainController Good = new() { HostName = "dc1.contoso.example", Address = "192.168.10.5", ClockOffset = TimeSpan.FromSeconds(2) };

    [Fact]
    public void ADomainThatIsFoundWholeIsReady()
    {
        var report = DomainJoinJudge.Judge(Facts());
        Assert.Equal((ReadinessVerdict.Ready, "contoso.example", "corp"), (report.Verdict, report.Domain, report.Network));
        Assert.Equal(["DisjointName"], report.Findings.Select(f => f.Rule));
    }

    [Fact]
    public void WhatIsInTheWayIsSaidWithARemedy()
    {
        AssertFinds("SuffixIsDomain", ReadinessVerdict.NotReady, Facts() with { Network = Corp("contoso.example") });
        AssertFinds("NothingAsked", ReadinessVerdict.Unknown, Facts() with { IsAsked = false, Controllers = [] });
        AssertFinds("DomainNotForwarded", ReadinessVerdict.NotReady, Facts() with { Sites = [], Controllers = [] });
        AssertFinds("DomainNotForwarded", ReadinessVerdict.NotReady, Facts() with { Sites = [Office("oso.example", SiteState.Connected)], Controllers = [] });
        AssertFinds("SiteNotConnected", ReadinessVerdict.NotReady, Facts() with { Sites = [Office("contoso.example", SiteState.NotConnected)], Controllers = [] });
        AssertFinds("NoControllers", ReadinessVerdict.NotReady, Facts() with { Controllers = [], Answer = "NXDOMAIN" });
        AssertFinds("NoKerberos", ReadinessVerdict.ReadyWithConditions, Facts() with { HasKerberos = false });
        AssertFinds("ControllerWithoutAddress", ReadinessVerdict.NotReady, Facts(Good with { Address = null }));
        AssertFinds("PortsSilent", ReadinessVerdict.NotReady, Facts(Good with { SilentPorts = [389] }));
        AssertFinds("PortsSilent", ReadinessVerdict.ReadyWithConditions, Facts(Good with { SilentPorts = [3268] }));
        AssertFinds("ClockSkew", ReadinessVerdict.NotReady, Facts(Good with { ClockOffset = TimeSpan.FromMinutes(-6) }));
        AssertFinds("ClockUnknown", ReadinessVerdict.Ready, Facts(Good with { ClockOffset = null }));
    }

    [Fact]
    public void OneControllerWithoutFaultIsEnough()
    {
        AssertFinds("PortsSilent", ReadinessVerdict.ReadyWithConditions, Facts(Good, Good with { HostName = "dc2.contoso.example", SilentPorts = [88, 389, 445] }));
        AssertFinds("ControllerWithoutAddress", ReadinessVerdict.ReadyWithConditions, Facts(Good, Good with { HostName = "dc2.contoso.example", Address = null }));
    }

    private static void AssertFinds(string rule, ReadinessVerdict verdict, DomainFacts facts)
    {
        var report = DomainJoinJudge.Judge(facts);
        Assert.True(report.Verdict == verdict, $"{rule}: {report.Verdict} and not {verdict}");
        var finding = Assert.Single(report.Findings, f => f.Rule == rule);
        Assert.True(finding.Message.EndsWith('.') && finding.Remedy.EndsWith('.'), $"{finding.Message} {finding.Remedy}");
    }

    private static DomainFacts Facts(params DomainController[] controllers) => new()
    {
        Domain = "contoso.example", Network = Corp("cloud.contoso.example"), Sites = [Office("contoso.example", SiteState.Connected)], IsAsked = true, Answer = "NOERROR", HasKerberos = true,
        Controllers = controllers.Length > 0 ? controllers : [Good],
    };

    private static VirtualNetwork Corp(string suffix) => new() { Name = "corp", Subnet = "10.20.0.0/24", GatewayAddress = "10.20.0.1", DnsSuffix = suffix };

    private static Site Office(string suffix, SiteState state) => new() { Name = "office", DnsSuffix = suffix, DnsServers = ["192.168.10.5"], Subnets = ["192.168.10.0/24"], State = state };
}
