using AzureIaaS.Sessions;
using AzureIaaS.Tests.Support;

namespace AzureIaaS.Tests.Sessions;

public sealed class ContextStoreTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private ContextStore Store => new(_folder.Path);

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void WhoNeverConnectedHasTheDefaultLocalFabric()
    {
        var only = Assert.Single(Store.List());
        Assert.Equal(("local", "Local", true), (only.Name, only.Provider, only.IsCurrent));
    }

    [Fact]
    public void TheLastConnectedIsCurrentAndRemembered()
    {
        Store.Connect(new IaaSContext { Name = "test", Path = "/a", Hypervisor = HypervisorKind.Simulated });
        Assert.Equal(("test", "/a", HypervisorKind.Simulated), (Store.Current.Name, Store.Current.Path, Store.Current.Hypervisor));
        Assert.Equal(["local", "test"], Store.List().Select(c => c.Name));
    }

    [Fact]
    public void ConnectingAgainUnderANameReplacesIt()
    {
        Store.Connect(new IaaSContext { Name = "Test", Path = "/a" });
        Store.Connect(new IaaSContext { Name = "test", Path = "/b" });
        Assert.Equal("/b", Store.Get("TEST").Path);
    }

    [Fact]
    public void DisconnectingTheCurrentOneLeavesTheDefault()
    {
        Store.Connect(new IaaSContext { Name = "test", Path = "/a" });
        Store.Disconnect("test");
        Assert.Equal("local", Store.Current.Name);
    }

    [Fact]
    public void AnUnknownNameSaysSo() => Assert.Equal("ContextNotFound", Assert.Throws<IaaSException>(() => Store.Get("nope")).ErrorId);

    [Fact]
    public void ADamagedFileSaysSo()
    {
        Store.Connect(new IaaSContext { Name = "test", Path = "/a" });
        var file = Path.Combine(_folder.Path, "azureiaas", "contexts.json");
        File.WriteAllText(file, "{ not json");
        var error = Assert.Throws<IaaSException>(() => Store.List());
        Assert.Equal(("ContextFileUnreadable", file), (error.ErrorId, (string)error.Target!));
    }
}
