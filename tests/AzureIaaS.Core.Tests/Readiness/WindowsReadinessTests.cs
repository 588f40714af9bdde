using AzureIaaS.Guests;
using AzureIaaS.Imports;
using AzureIaaS.Readiness;
using AzureIaaS.Tests.Guests.Registry;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Readiness;

public sealed class WindowsReadinessTests : IDisposable
{
    private const string Interfaces = WindowsDisk.Services + @"Tcpip\Parameters\Interfaces\";

    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [SkippableFact]
    public void AWindowsIsKnownByItsRegistry()
    {
        var report = Judge(ReadinessTarget.AzureGen1);
        var guest = report.Guest;
        Assert.Equal((GuestFamily.Windows, "Windows Server 2022 Datacenter", "10.0.20348.587", "x86_64", "SHAREPOINT", "W. Europe Standard Time"),
            (guest.Family, guest.Name, guest.Version, guest.Architecture, guest.ComputerName, guest.TimeZone));
        var windows = guest.Windows!;
        Assert.Equal(("ServerDatacenter", "21H2", 20348, SanPolicy.OnlineAll), (windows.Edition, windows.Release, windows.Build, windows.SanPolicy));
        Assert.True(windows is { AllowsRemoteDesktop: true, RequiresNetworkAuthentication: true, IsFirewallEnabled: true, IsRemoteDesktopAllowedByFirewall: true, IsClockUniversal: true });
        Assert.True(windows is { HasFastStartup: false, IsHibernated: false, Proxy: null });
        Assert.Equal(["netvsc (Manual)", "storahci (Boot)", "storvsc (Boot)", "viostor (Boot)", "vmbus (Boot)"], windows.Drivers.Select(d => d.ToString()).Order());
        Assert.Equal(["WindowsAzureGuestAgent"], guest.Agents);
        Assert.Empty(guest.StaticAddresses);
        Assert.Empty(guest.Unread);

        // EMS is off: that is all.
        Assert.Equal(["SerialConsole"], report.Findings.Select(f => f.Rule));
        Assert.Equal(ReadinessVerdict.ReadyWithConditions, report.Verdict);
    }

    [SkippableFact]
    public void WhatWouldLockItsOwnerOutIsFound()
    {
        const string adapter = "{0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9}";
        var report = Judge(ReadinessTarget.AzureGen1, s => s.Set(WindowsDisk.Control + "Terminal Server", "fDenyTSConnections", 1)
            .Set(Interfaces + adapter, "EnableDHCP", 0).Set(Interfaces + adapter, "IPAddress", new[] { "192.0.2.10", "192.0.2.11" })
            .Set(Interfaces + adapter, "SubnetMask", new[] { "255.255.255.0", "255.255.240.0" }).Set(Interfaces + adapter, "DefaultGateway", new[] { "192.0.2.1" })
            .Set(Interfaces + adapter, "NameServer", "192.0.2.2,192.0.2.3")
            .Set(WindowsDisk.Control + @"Network\{4D36E972-E325-11CE-BFC1-08002BE10318}\" + adapter + @"\Connection", "Name", "Ethernet 2")
            .Set(WindowsDisk.Services + @"Tcpip\Parameters\PersistentRoutes", "203.0.113.0,255.255.255.0,192.0.2.254,1", "")
            .Set(WindowsDisk.Services + @"storvsc\StartOverride", "0", 3).Set(WindowsDisk.Services + "VMTools", "Start", 2).Set(WindowsDisk.Control + "TimeZoneInformation", "RealTimeIsUniversal", 0)
            .Set(WindowsDisk.Services + @"partmgr\Parameters", "SanPolicy", 2));
        Assert.Equal(ReadinessVerdict.NotReady, report.Verdict);
        Assert.Equal(["ClockUniversal", "OtherHypervisor", "PersistentRoutes", "RemoteDesktop", "SanPolicy", "SerialConsole", "StaticAddresses", "StaticAddresses", "WindowsDrivers"],
            report.Findings.Select(f => f.Rule).Order());
        var first = report.Guest.StaticAddresses[0];
        Assert.Equal(("192.0.2.10", 24, "192.0.2.1", "Ethernet 2"), (first.Address, first.PrefixLength, first.Gateway, first.Adapter));
        Assert.Equal(["192.0.2.2", "192.0.2.3"], first.DnsServers);
        Assert.Equal(("192.0.2.11", 20), (report.Guest.StaticAddresses[1].Address, report.Guest.StaticAddresses[1].PrefixLength));
        Assert.Contains("storvsc is set to start Manual", report.Findings[0].Message, StringComparison.Ordinal);
        Assert.All(report.Findings, f => Assert.False(string.IsNullOrWhiteSpace(f.Remedy) || string.IsNullOrWhiteSpace(f.Source)));
    }

    [SkippableFact]
    public void AHibernatedOneIsRefusedEverywhere()
    {
        var report = Judge(ReadinessTarget.Local, s => s.Set(WindowsDisk.Control + @"Session Manager\Power", "HiberbootEnabled", 1),
            place => File.WriteAllBytes(Path.Combine(place, "hiberfil.sys"), [.. "HIBR"u8, .. new byte[4092]]));
        Assert.Equal((ReadinessVerdict.NotReady, "Hibernated"), (report.Verdict, report.Findings[0].Rule));
        var wide = Judge(ReadinessTarget.Local, s => s.Set(WindowsDisk.Control + @"Session Manager\Power", "HiberbootEnabled", 1), place => File.WriteAllBytes(Path.Combine(place, "hiberfil.sys"), new byte[4096]));
        Assert.Equal(["FastStartup", "SerialConsole"], wide.Findings.Select(f => f.Rule).Order());
    }

    [SkippableFact]
    public void EmsInTheBootStoreIsItsSerialConsole()
    {
        var store = new HiveBuilder().Set(@"Objects\{9dea862c-5cdd-4e70-acc1-f32b344d4795}\Elements\12000004", "Element", "Windows Boot Manager")
            .Set(@"Objects\{0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9}\Elements\260000b0", "Element", new byte[] { 1 });
        var report = Judge(ReadinessTarget.AzureGen1, more: place =>
        {
            Directory.CreateDirectory(Path.Combine(place, "Boot"));
            File.WriteAllBytes(Path.Combine(place, "Boot/BCD"), store.Build());
        });
        Assert.True(report.Guest.HasSerialConsole);
        Assert.Equal(ReadinessVerdict.Ready, report.Verdict);
    }

    [SkippableFact]
    public void ADamagedRegistryIsUnknownAndNotReady()
    {
        WindowsDisk.Require();
        var report = ReadinessJudge.Judge(new ImportRequest
        {
            Path = WindowsDisk.Make(_folder, WindowsDisk.Software(), WindowsDisk.System(), place => File.WriteAllText(Path.Combine(place, "Windows/System32/config/SOFTWARE"), "no hive")),
        }, ReadinessTarget.Local, default);
        Assert.Equal(ReadinessVerdict.Unknown, report.Verdict);
        Assert.Contains("registry hive", report.Findings[0].Message, StringComparison.Ordinal);
    }

    private static ReadinessReport Judge(ReadinessTarget target, Func<HiveBuilder, HiveBuilder>? change = null, Action<string>? more = null)
    {
        WindowsDisk.Require();
        using var work = new TestFolder();
        var system = (change ?? (h => h))(WindowsDisk.System());
        return ReadinessJudge.Judge(new ImportRequest { Path = WindowsDisk.Make(work, WindowsDisk.Software(), system, more) }, target, default);
    }
}
