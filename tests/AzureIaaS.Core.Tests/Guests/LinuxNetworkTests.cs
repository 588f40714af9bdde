using AzureIaaS.Guests;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Guests;

/// <summary>Static addresses, in each of the ways that distributions write them.</summary>
public class LinuxNetworkTests
{
    [Fact]
    public void Interfaces() => Found(("/etc/network/interfaces", """
        auto lo
        iface lo inet loopback
            address 127.0.0.1
        allow-hotplug eth0
        iface eth0 inet static
            address 192.0.2.10
            netmask 255.255.255.0
            gateway 192.0.2.1
            dns-nameservers 192.0.2.2 192.0.2.3
            hwaddress ether 02:00:00:00:00:01
        iface eth0 inet6 static
            address 2001:db8::10/64
        iface eth1 inet dhcp
            address 192.0.2.99
        # iface eth2 inet static
        #    address 192.0.2.98
        """)).ShouldBe("192.0.2.10/24 eth0 via 192.0.2.1 dns 192.0.2.2,192.0.2.3 mac 02:00:00:00:00:01", "2001:db8::10/64 eth0 via  dns  mac ");

    [Fact]
    public void Ifcfg() => Found(
        ("/etc/sysconfig/network-scripts/ifcfg-eth0", "DEVICE=eth0\nBOOTPROTO=none\nIPADDR=192.0.2.10\nNETMASK=255.255.240.0\nGATEWAY=192.0.2.1\nDNS1=192.0.2.2\nHWADDR=\"02:00:00:00:00:01\"\nIPADDR2=192.0.2.11\nPREFIX2=24\n"),
        ("/etc/sysconfig/network-scripts/ifcfg-eth1", "BOOTPROTO=dhcp\nIPADDR=192.0.2.99\n"),
        ("/etc/sysconfig/network-scripts/ifcfg-lo", "IPADDR=127.0.0.1\n"),
        ("/etc/sysconfig/network/ifcfg-eth2", "BOOTPROTO='static'\nIPADDR='192.0.2.12/25'\n")).ShouldBe(
        "192.0.2.10/20 eth0 via 192.0.2.1 dns 192.0.2.2 mac 02:00:00:00:00:01", "192.0.2.11/24 eth0 via 192.0.2.1 dns 192.0.2.2 mac 02:00:00:00:00:01", "192.0.2.12/25 eth2 via  dns  mac ");

    [Fact]
    public void NetplanAsInstallersWriteIt() => Found(("/etc/netplan/00-installer-config.yaml", """
        # This is the network config
        network:
          ethernets:
            ens160:
              match: {name: ens160}
              dhcp4: false
              addresses:
              - 192.0.2.10/24
              - "2001:db8::10/64"
              nameservers:
                addresses: [192.0.2.2, 192.0.2.3]
                search: []
              routes:
              - to: default
                via: 192.0.2.1
            ens192:
              addresses: [192.0.2.20/24]   # inline
              gateway4: 192.0.2.254
              match:
                macaddress: 02:00:00:00:00:01
              set-name: ens192
            ens224:
              dhcp4: true
              nameservers:
                addresses:
                  - 192.0.2.4
          version: 2
        """)).ShouldBe("192.0.2.10/24 ens160 via 192.0.2.1 dns 192.0.2.2,192.0.2.3 mac ", "2001:db8::10/64 ens160 via 192.0.2.1 dns 192.0.2.2,192.0.2.3 mac ",
            "192.0.2.20/24 ens192 via 192.0.2.254 dns  mac 02:00:00:00:00:01");

    [Fact]
    public void NetplanWithLabels() => Found(("/etc/netplan/a.yaml", "network:\n  bonds:\n    bond0:\n      addresses:\n        - 192.0.2.10/24:\n            label: \"a:b\"\n            lifetime: 0\n        - 192.0.2.11/24\n"))
        .ShouldBe("192.0.2.10/24 bond0 via  dns  mac ", "192.0.2.11/24 bond0 via  dns  mac ");

    [Fact]
    public void Networkd() => Found(("/etc/systemd/network/10-eth0.network", "[Match]\nName=eth0\nMACAddress=02:00:00:00:00:01\n[Network]\nAddress=192.0.2.10/24\nGateway=192.0.2.1\nDNS=192.0.2.2\nDNS=192.0.2.3\n[Address]\nAddress=192.0.2.11/24\n"),
        ("/etc/systemd/network/20-dhcp.network", "[Match]\nName=eth1\n[Network]\nDHCP=yes\n")).ShouldBe(
        "192.0.2.10/24 eth0 via 192.0.2.1 dns 192.0.2.2,192.0.2.3 mac 02:00:00:00:00:01", "192.0.2.11/24 eth0 via 192.0.2.1 dns 192.0.2.2,192.0.2.3 mac 02:00:00:00:00:01");

    [Fact]
    public void NetworkManager() => Found(("/etc/NetworkManager/system-connections/Wired.nmconnection",
        "[connection]\nid=Wired\ninterface-name=ens3\n[ethernet]\nmac-address=02:00:00:00:00:01\n[ipv4]\nmethod=manual\naddress1=192.0.2.10/24,192.0.2.1\ndns=192.0.2.2;192.0.2.3;\n[ipv6]\nmethod=auto\naddress1=2001:db8::1/64\n"))
        .ShouldBe("192.0.2.10/24 ens3 via 192.0.2.1 dns 192.0.2.2,192.0.2.3 mac 02:00:00:00:00:01");

    [Theory]
    [InlineData("network:\n\t- - -: [[[\n:::\n'")]
    [InlineData("- - - -\n  [\n]\n\"")]
    [InlineData("network: {ethernets: {a: {addresses: [192.0.2.1/24]}}}")]
    public void WhatIsNoNetplanGivesNothing(string text) => Found(("/etc/netplan/a.yaml", text)).ShouldBe();

    [Theory]
    [InlineData("/etc/sysconfig/network-scripts/ifcfg-eth0", "DEVICE=eth0\nBOOTPROTO=dhcp\nHWADDR=02:00:00:00:00:01\n", true)]
    [InlineData("/etc/sysconfig/network-scripts/ifcfg-eth0", "DEVICE=eth0\nBOOTPROTO=dhcp\n", false)]
    [InlineData("/etc/netplan/50-cloud-init.yaml", "network:\n  ethernets:\n    eth0:\n      dhcp4: true\n      match:\n        macaddress: '02:00:00:00:00:01'\n      set-name: eth0\n", true)]
    [InlineData("/etc/netplan/01.yaml", "network:\n  ethernets:\n    eth0:\n      dhcp4: true\n      macaddress: '02:00:00:00:00:01'\n", false)]
    [InlineData("/etc/systemd/network/10.network", "[Match]\nMACAddress=02:00:00:00:00:01\n[Network]\nDHCP=yes\n", true)]
    [InlineData("/etc/systemd/network/10.network", "[Match]\nName=en*\n[Link]\nMACAddress=02:00:00:00:00:01\n", false)]
    [InlineData("/etc/NetworkManager/system-connections/a.nmconnection", "[ethernet]\nmac-address=02:00:00:00:00:01\n", true)]
    [InlineData("/etc/NetworkManager/system-connections/a.nmconnection", "[ethernet]\nmac-address=\ncloned-mac-address=02:00:00:00:00:01\n", false)]
    public void FilesThatNameAHardwareAddress(string path, string text, bool isFound) =>
        Assert.Equal(isFound ? [path] : [], LinuxNetwork.FilesByHardwareAddress(new TextFiles([(path, text)])));

    private static Addresses Found(params (string, string)[] files)
    {
        var guest = new GuestInfo();
        LinuxNetwork.Look(guest, new TextFiles(files));
        Assert.All(guest.StaticAddresses, a => Assert.Contains(files, f => f.Item1 == a.Origin));
        return new Addresses(guest);
    }

    private sealed class Addresses(GuestInfo guest)
    {
        public void ShouldBe(params string[] expected) =>
            Assert.Equal(expected, guest.StaticAddresses.Select(a => $"{a.Address}/{a.PrefixLength} {a.Adapter} via {a.Gateway} dns {string.Join(',', a.DnsServers)} mac {a.HardwareAddress}"));
    }
}
