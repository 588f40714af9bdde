using System.Buffers.Binary;
using System.Text;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Local.Networking.Sites;
using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;
using AzureIaaS.Local.Processes;
using AzureIaaS.Local.Tests.Support;
using AzureIaaS.Tests.Networks;

namespace AzureIaaS.Local.Tests.Networking;

/// <summary>What a site's gateway makes of messages and packets: bytes in, bytes out.</summary>
public class SiteMessageTests
{
    private static readonly DateTimeOffset Now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData("received AUTHENTICATION_FAILED notify error", "shared keys differ")]
    [InlineData("tried 1 shared key for '203.0.113.1' - '203.0.113.7', but MAC mismatched", "shared keys differ")]
    [InlineData("received NO_PROPOSAL_CHOSEN notify error", "aes256-sha256-modp2048")]
    [InlineData("received TS_UNACCEPTABLE notify, no CHILD_SA built", "192.168.10.0/24")]
    [InlineData("giving up after 4 retransmits", "UDP 500 and 4500")]
    [InlineData("establishing IKE_SA failed, peer not responding", "does not answer")]
    public void TroubleIsSaidWithWhatToDo(string message, string words) => Assert.Contains(words, SiteTrouble.Of(message, Office()), StringComparison.Ordinal);

    [Theory]
    [InlineData("sending keep alive to 203.0.113.7[4500]")]
    [InlineData("IKE_SA office[1] established between 203.0.113.1[203.0.113.1]...203.0.113.7[203.0.113.7]")]
    [InlineData("retransmit 1 of request with message ID 0")]
    public void WhatIsUsualIsNoTrouble(string message) => Assert.Null(SiteTrouble.Of(message, Office()));

    [Theory]
    [InlineData("subject certificate invalid (valid from Jan 01 00:00:00 2020 to Jan 31 00:00:00 2020)", "has expired, or is not valid yet (valid from Jan 01 00:00:00 2020 to Jan 31 00:00:00 2020)")]
    [InlineData("certificate was revoked on Nov 23 13:13:14 UTC 2026, reason: key compromise", "was revoked on Nov 23 13:13:14 UTC 2026, reason: key compromise. If")]
    [InlineData("constraint check failed: RULE_CRL_VALIDATION is FAILED, but requires at least GOOD", "/lists/ca.crl must hold the present list of CN=CA")]
    [InlineData("no issuer certificate found for \"CN=office\"", "not issued by CN=CA")]
    [InlineData("constraint check failed: identity 'vpn.office.example' required ", "does not prove that it is vpn.office.example")]
    [InlineData("no trusted ECDSA public key found for 'vpn.office.example'", "does not prove that it is vpn.office.example")]
    [InlineData("received AUTHENTICATION_FAILED notify error", "does not accept this side's certificate")]
    [InlineData("giving up after 4 retransmits", "does not answer")]
    public void TroubleWithCertificatesIsSaidWithWhatToDo(string message, string words) => Assert.Contains(words, SiteTrouble.Of(message, Certified()), StringComparison.Ordinal);

    [Fact]
    public void WhatIsWrongWithACertificateIsNotHiddenByThatItIsNotTrusted()
    {
        var status = new SiteStatus(Certified());
        status.Hear("subject certificate invalid (valid from A to B)", Noon);
        Assert.False(status.Hear("no trusted ECDSA public key found for 'vpn.office.example'", Noon));
        Assert.Contains("has expired", status.LastError, StringComparison.Ordinal);
    }

    [Fact]
    public void ACertificateThatHasExpiredKeepsATunnelAndBeginsNone()
    {
        var site = Certified();
        var (status, expiry) = (new SiteStatus(site), site.Certificate!.NotAfter);
        status.Update([Ike("ESTABLISHED", ("1", "INSTALLED", 1, 1))], expiry);
        Assert.Equal((SiteState.Connected, null, false), (status.State, status.LastError, status.IsExpired(expiry)));
        status.Update([Ike("ESTABLISHED", ("1", "INSTALLED", 1, 1))], expiry.AddSeconds(1));
        Assert.Equal((SiteState.Connected, true), (status.State, status.IsExpired(expiry.AddSeconds(1))));
        Assert.Contains("expired on 2026-06-01 12:00:00Z", status.LastError, StringComparison.Ordinal);
        status.Update([], expiry.AddSeconds(2));
        Assert.Equal(SiteState.NotConnected, status.State);
        Assert.Contains("expired on 2026-06-01 12:00:00Z", status.LastError, StringComparison.Ordinal);
    }

    [Fact]
    public void AListOfRevokedCertificatesIsReadAgainWhenItsFileIsReplacedAndWhatIsWorseIsNotUsed()
    {
        using var issuer = new TestCertificates();
        using var one = issuer.Issue("CN=one");
        var path = Path.GetTempFileName();
        try
        {
            var file = new RevocationFile(path, () => issuer.CaPem);
            bool Put(byte[] bytes, int minute)
            {
                File.WriteAllBytes(path, bytes);
                File.SetLastWriteTimeUtc(path, new DateTime(2026, 1, 1, 0, minute, 0, DateTimeKind.Utc));
                return file.Refresh();
            }

            Assert.False(Put([], 0));
            Assert.Contains("no list of revoked certificates can be read", file.Obstacle(Now), StringComparison.Ordinal);
            Assert.True(Put(issuer.Revoke(days: 7, made: 2), 1));
            Assert.False(file.Refresh());
            var list = file.List!;
            Assert.Equal((null, null), (file.Obstacle(list.ThisUpdate), file.Trouble));
            Assert.Contains("no tunnel is begun", file.Obstacle(list.NextUpdate.AddSeconds(1)), StringComparison.Ordinal);

            // An older one, half a one, none at all: the one there was is used, and that is said.
            Assert.False(Put(issuer.Revoke(days: 7, made: 3), 2));
            Assert.Contains("older", file.Trouble, StringComparison.Ordinal);
            Assert.False(Put(issuer.Revoke(days: 7, made: 1)[..50], 3));
            Assert.NotNull(file.Trouble);
            File.Delete(path);
            Assert.False(file.Refresh());
            Assert.Contains("cannot be read", file.Trouble, StringComparison.Ordinal);
            Assert.Equal((list, null), (file.List, file.Obstacle(list.ThisUpdate)));

            var site = Certified();
            (site.Certificate, site.CaCertificate) = (site.Certificate! with { NotAfter = list.NextUpdate }, site.CaCertificate! with { NotAfter = list.NextUpdate });
            var status = new SiteStatus(site, file);
            status.Update([Ike("ESTABLISHED", ("1", "INSTALLED", 1, 1))], list.ThisUpdate);
            Assert.Equal((SiteState.Connected, file.Trouble, list.NextUpdate), (status.State, status.LastError, status.ToReport().RevocationListUntil));
            Assert.True(Put(issuer.Revoke(days: 7, made: 1, one), 4));
            Assert.Single(file.List!.SerialNumbers);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public async Task TheKernelEncryptsWhereItCanAndTheDaemonElsewhere()
    {
        static KernelIpsec.Run Says(int? exitCode, string error) => (program, arguments, _, _) =>
        {
            Assert.Equal("unshare", program);
            Assert.Equal("--net", arguments.First());   // nothing of this computer's own network is touched
            return Task.FromResult(new ProgramResult(exitCode, "", error));
        };
        Assert.Equal((IpsecEngine.Kernel, null), await KernelIpsec.ChooseAsync(Says(0, ""), CancellationToken.None));
        Assert.Equal((IpsecEngine.UserSpace, "Error: Unknown device type."), await KernelIpsec.ChooseAsync(Says(2, "Error: Unknown device type.\n"), CancellationToken.None));
        Assert.Equal(IpsecEngine.UserSpace, (await KernelIpsec.ChooseAsync(Says(null, ""), CancellationToken.None)).Engine);
        Assert.Equal(IpsecEngine.UserSpace, (await KernelIpsec.ChooseAsync((_, a, l, c) => ProgramRun.RunAsync("/nowhere/unshare", a, l, c), CancellationToken.None)).Engine);

        var (kernel, library) = (CharonMessages.Settings("v", "l", IpsecEngine.Kernel), CharonMessages.Settings("v", "l", IpsecEngine.UserSpace));
        Assert.Contains("kernel-netlink socket-default", kernel, StringComparison.Ordinal);
        Assert.DoesNotContain("kernel-libipsec", kernel, StringComparison.Ordinal);
        Assert.Contains("kernel-libipsec kernel-netlink", library, StringComparison.Ordinal);
        var network = new VirtualNetwork { Name = "corp", Subnet = "10.20.0.0/24" };
        ViciSection Child(IpsecEngine engine) => CharonMessages.Connection(Office(), network, engine: engine).Sections.Single().Section.Section("children").Sections.Single().Section;
        Assert.Equal((int)KernelIpsec.InterfaceId, Child(IpsecEngine.Kernel).Number("if_id_out"));
        Assert.Null(Child(IpsecEngine.UserSpace).Text("if_id_out"));
    }

    [SkippableFact]
    public async Task WhatIsTriedOfTheKernelLeavesNothing()
    {
        Skip.IfNot(Environment.UserName == "root" && OperatingSystem.IsLinux(), "namespaces need root");
        var (engine, why) = await KernelIpsec.ChooseAsync(ProgramRun.RunAsync, CancellationToken.None);
        Assert.Equal(engine == IpsecEngine.Kernel, why is null);
        Assert.NotEqual("", why);
        Assert.DoesNotContain("trial:", await File.ReadAllTextAsync("/proc/net/dev"), StringComparison.Ordinal);
    }

    [Fact]
    public void TheEndOfFormerKeysIsNotTheTunnels()
    {
        var status = new SiteStatus(Office());
        status.Update([Ike("ESTABLISHED", ("1", "INSTALLED", 1, 1))], Noon);
        Assert.False(status.Hear("received DELETE for IKE_SA x[1]", Noon));
        Assert.Null(status.LastError);
        status.Update([Ike("ESTABLISHED", ("1", "INSTALLED", 1, 1))], Noon);
        Assert.Equal((SiteState.Connected, null), (status.State, status.LastError));
        status.Hear("received DELETE for IKE_SA x[2]", Noon);
        status.Update([], Noon);
        Assert.Equal(SiteState.NotConnected, status.State);
        Assert.Contains("has ended the tunnel", status.LastError, StringComparison.Ordinal);
    }

    [Fact]
    public void WhatIsListedWhileIkeChangesItsKeysIsNoEndOfTheTunnel()
    {
        var status = new SiteStatus(Office());
        status.Update([Ike("ESTABLISHED", ("1", "INSTALLED", 1, 1))], Noon);
        status.Update([Ike("REKEYED"), Ike("ESTABLISHED")], Noon.AddSeconds(1));
        status.Update([Ike("ESTABLISHED", ("1", "INSTALLED", 1, 1))], Noon.AddSeconds(2));
        Assert.Equal((SiteState.Connected, Noon), (status.State, status.Since));
        status.Update([Ike("ESTABLISHED")], Noon.AddSeconds(3));
        status.Update([Ike("ESTABLISHED")], Noon.AddSeconds(4));
        Assert.Equal((SiteState.Connecting, Noon.AddSeconds(4)), (status.State, status.Since));
    }

    [Fact]
    public void AStateLastsUntilSomethingHappensAndCountersOutliveTheirKeys()
    {
        var status = new SiteStatus(Office());
        Assert.True(status.IsIdle);
        status.Update([Ike("CONNECTING")], Now);
        Assert.Equal((SiteState.Connecting, false), (status.State, status.IsIdle));
        Assert.True(status.Hear("received AUTHENTICATION_FAILED notify error", Now.AddSeconds(1)));
        Assert.False(status.Hear("received AUTHENTICATION_FAILED notify error", Now.AddSeconds(2)));
        status.Update([], Now.AddSeconds(2));
        Assert.Equal((SiteState.NotConnected, true, Now.AddSeconds(1)), (status.State, status.IsIdle, status.Since));

        // The next attempt is under way: it is not connected for that.
        status.Update([Ike("CONNECTING")], Now.AddSeconds(3));
        Assert.Equal((SiteState.NotConnected, false), (status.State, status.IsIdle));
        status.Update([Ike("ESTABLISHED", ("1", "INSTALLED", 100, 7))], Now.AddSeconds(4));
        Assert.Equal((SiteState.Connected, null, Now.AddSeconds(4)), (status.State, status.LastError, status.Since));

        // New keys begin to count anew.
        status.Update([Ike("ESTABLISHED", ("1", "REKEYED", 110, 8), ("2", "INSTALLED", 5, 1))], Now.AddSeconds(5));
        status.Update([Ike("ESTABLISHED", ("2", "INSTALLED", 6, 2))], Now.AddSeconds(6));
        var report = status.ToReport();
        Assert.Equal((116L, 10L, Now.AddSeconds(4)), (report.BytesIn, report.BytesOut, report.Since));
    }

    [Fact]
    public void OnlyAConnectionsBeginningIsChangedAndItsChecksumIsRight()
    {
        foreach (var options in new byte[][] { [2, 4, 5, 180], [1, 2, 4, 5, 180, 0, 0, 0], [1, 3, 3, 7, 2, 4, 5, 180], [4, 2, 2, 4, 255, 255, 0, 0] })
        {
            var packet = Segment(options, syn: true);
            MssClamp.Apply(packet);
            var at = packet.AsSpan(40).IndexOf((byte[])[2, 4, 5, 70]);
            Assert.True(at >= 0, Convert.ToHexString(packet.AsSpan(40)));
            Assert.Equal(0, Checksum.OfTransport(1, 2, Ipv4.Tcp, packet.AsSpan(20)));
        }

        foreach (var (options, syn) in new (byte[], bool)[] { ([2, 4, 5, 0], true), ([2, 4, 5, 180], false), ([2, 40, 5, 180], true), ([2], true), ([0, 2, 4, 5, 180, 0, 0, 0], true) })
        {
            var packet = Segment(options, syn);
            var before = packet.ToArray();
            MssClamp.Apply(packet);
            Assert.Equal(before, packet);
        }
    }

    [Fact]
    public void APacketThatMayBeCutIsCutAndIsTheSameWhenPutTogether()
    {
        var packet = new byte[20 + 3000];
        new Random(1).NextBytes(packet);
        Ipv4.WriteHeader(packet, packet.Length, Ipv4.Udp, 1, 2);
        packet[6] = 0;
        Assert.True(Ipv4.TryReadPacket(packet, out var whole));
        var (together, isLast) = (new byte[3000], false);
        Ipv4Fragments.Split(whole, 1400, new byte[2048], p =>
        {
            Assert.True(p.Length <= 1400 && Ipv4.TryReadPacket(p.Span, out _));
            Assert.Equal(0, Checksum.Of(p.Span[..20]));
            var field = BinaryPrimitives.ReadUInt16BigEndian(p.Span[6..]);
            p.Span[20..].CopyTo(together.AsSpan((field & 0x1FFF) * 8));
            isLast = (field & 0x2000) == 0;
        });
        Assert.True(isLast);
        Assert.Equal(packet[20..], together);
    }

    [Fact]
    public void ASitesNamesAreAskedOfItsServersOneAfterTheOtherAndOnlyTheirAnswerIsBelieved()
    {
        var (asked, answered) = (new List<(uint Server, ushort Port, byte[] Message)>(), new List<byte[]>());
        var dns = new SiteDns((server, port, data) => asked.Add((server, port, data.ToArray())), (_, _, message) => answered.Add(message.ToArray()))
        {
            Names = [new SiteNames("office.example", [Wires.Address("192.168.10.53"), Wires.Address("192.168.10.54")])],
        };
        var client = new PortIdentity(1, Wires.Address("10.20.0.4"));
        Assert.False(dns.TryForward(Query("www.example.com"), client, 5000));
        Assert.False(dns.TryForward(Query("notoffice.example"), client, 5000));
        Assert.True(dns.TryForward(Query("dc1.office.example"), client, 5000));
        var (first, from, sent) = Assert.Single(asked);
        Assert.Equal((Wires.Address("192.168.10.53"), Query("dc1.office.example")[2..].Length), (first, sent.Length - 2));

        byte[] Answer(Action<byte[]> change)
        {
            var answer = sent.ToArray();
            answer[2] |= 0x80;
            change(answer);
            return answer;
        }

        Assert.False(Take(dns, "192.168.10.99", 53, from, Answer(_ => { })));
        Assert.False(Take(dns, "192.168.10.53", 53, (ushort)(from + 1), Answer(_ => { })));
        Assert.False(Take(dns, "192.168.10.53", 5353, from, Answer(_ => { })));
        Assert.True(Take(dns, "192.168.10.53", 53, from, Answer(a => a[0] ^= 1)));
        Assert.True(Take(dns, "192.168.10.53", 53, from, Answer(a => a[14] ^= 1)));
        Assert.Empty(answered);
        Assert.True(Take(dns, "192.168.10.53", 53, from, Answer(_ => { })));
        Assert.Equal(Query("dc1.office.example")[..2], Assert.Single(answered)[..2]);
    }

    /// <summary>An answer as a Windows DNS server gives it: names that point to earlier ones, the controllers' addresses beside their records.</summary>
    [Fact]
    public void ServicesAndAddressesAreReadAndEveryMutationIsAnswered()
    {
        byte[] answer =
        [
            .. DnsReply.Query("_ldap._tcp.dc._msdcs.contoso.example", DnsReply.Srv),
            0xC0, 12, 0, 33, 0, 1, 0, 0, 2, 88, 0, 12, 0, 0, 0, 100, 1, 133, 3, .. "DC1"u8, 0xC0, 33,
            0xC0, 72, 0, 1, 0, 1, 0, 0, 14, 16, 0, 4, 192, 168, 10, 5,
        ];
        (answer[2], answer[3], answer[7], answer[11]) = (0x85, 0x80, 1, 1);
        var reply = DnsReply.Read(answer)!;
        Assert.Equal(DnsCode.NoError, reply.Code);
        Assert.Equal(389, Assert.Single(reply.Services).Port);
        Assert.StartsWith("dc1.", reply.Services[0].Target, StringComparison.Ordinal);
        Assert.Equal((reply.Services[0].Target, Wires.Address("192.168.10.5")), Assert.Single(reply.Addresses));

        var random = new Random(3);
        for (var i = 0; i < 50_000 * Soak.Factor; i++)
        {
            var copy = answer.ToArray();
            for (var j = random.Next(4); j >= 0; j--)
                copy[random.Next(copy.Length)] = (byte)random.Next(256);
            _ = DnsReply.Read(copy.AsSpan(0, random.Next(copy.Length + 1)));
        }

        Assert.Null(DnsReply.Read([0, 0, 0x80, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xC0, 12, 0, 1, 0, 1]));   // a name that points to itself
    }

    [Fact]
    public void ATimeIsBelievedOnlyAsTheAnswerToItsQuestion()
    {
        var now = new DateTimeOffset(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
        byte[] answer = [0x24, 2, .. new byte[22], 0, 0, 0, 0, 0, 0, 0, 42, .. new byte[16]];
        BinaryPrimitives.WriteUInt32BigEndian(answer.AsSpan(40), (uint)(now.AddMinutes(7) - new DateTimeOffset(1900, 1, 1, 0, 0, 0, TimeSpan.Zero)).TotalSeconds);
        Assert.True(TimeProbe.TryRead(answer, 42, now, out var offset));
        Assert.Equal(TimeSpan.FromMinutes(7), offset);
        Assert.False(TimeProbe.TryRead(answer, 43, now, out _));
        Assert.False(TimeProbe.TryRead(answer.AsSpan(0, 47), 42, now, out _));
        answer[0] = 0xE4;   // its clock is not set
        Assert.False(TimeProbe.TryRead(answer, 42, now, out _));
    }

    private static bool Take(SiteDns dns, string from, ushort fromPort, ushort toPort, byte[] message)
    {
        var packet = new byte[20 + 8 + message.Length];
        Ipv4.WriteUdp(packet, Wires.Address(from), fromPort, Wires.Address("10.20.0.1"), toPort, message);
        Assert.True(Ipv4.TryReadPacket(packet, out var read));
        return dns.TryTake(read);
    }

    private static byte[] Query(string name) =>
        [0xAB, 0xCD, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, .. name.Split('.').SelectMany(l => (byte[])[(byte)l.Length, .. Encoding.ASCII.GetBytes(l)]), 0, 0, 1, 0, 1];

    private static byte[] Segment(byte[] options, bool syn)
    {
        var length = (options.Length + 3) / 4 * 4;
        var packet = new byte[40 + length];
        options.CopyTo(packet, 40);
        (packet[32], packet[33]) = ((byte)((5 + length / 4) << 4), (byte)(syn ? 2 : 16));
        Ipv4.WriteHeader(packet, packet.Length, Ipv4.Tcp, 1, 2);
        BinaryPrimitives.WriteUInt16BigEndian(packet.AsSpan(36), Checksum.OfTransport(1, 2, Ipv4.Tcp, packet.AsSpan(20)));
        return packet;
    }

    private static ViciSection Ike(string state, params (string Id, string State, int In, int Out)[] children)
    {
        var section = new ViciSection();
        foreach (var (id, childState, bytesIn, bytesOut) in children)
            section.Add($"child-{id}", new ViciSection().Add("uniqueid", id).Add("state", childState).Add("bytes-in", $"{bytesIn}").Add("bytes-out", $"{bytesOut}"));
        return new ViciSection().Add("state", state).Add("child-sas", section);
    }

    private static DateTimeOffset Noon => new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    private static Site Certified()
    {
        var site = Office();
        (site.Authentication, site.GatewayIdentity, site.LocalIdentity) = (SiteAuthentication.Certificate, "vpn.office.example", "CN=cloud");
        (site.Certificate, site.CaCertificate) = (new SiteCertificate { Subject = "CN=cloud", Issuer = "CN=CA", NotAfter = Noon }, new SiteCertificate { Subject = "CN=CA", NotAfter = Noon.AddYears(1) });
        site.RevocationList = "/lists/ca.crl";
        return site;
    }

    private static Site Office() => new() { Name = "office", Subnets = ["192.168.10.0/24"], GatewayAddress = "203.0.113.7", LocalAddress = "203.0.113.1" };
}
