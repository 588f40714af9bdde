using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Tests.Support;
using AzureIaaS.Providers;

namespace AzureIaaS.Azure.Tests.Arm;

public sealed class ArmTests : IDisposable
{
    private readonly TestAzure _azure = new();

    public void Dispose() => _azure.Dispose();

    [Fact]
    public async Task A_token_is_not_sent_to_where_an_operation_points()
    {
        _azure.Arm.Intercept = r => r.Method == "PUT" && r.Path.Contains("/disks/", StringComparison.Ordinal)
            ? Answer.Of(202, new System.Text.Json.Nodes.JsonObject(), ("Azure-AsyncOperation", "https://evil.example/operations/1"), ("Location", "https://evil.example/operations/1"))
            : null;

        var e = await Assert.ThrowsAsync<IaaSException>(() => _azure.ImportAsync(_azure.Image("a.img", 32 << 20, (0, 64))));

        Assert.Equal("ForeignHost", e.ErrorId);
        Assert.Empty(((DoubleHandler)_azure.Handler).Strangers);
    }

    [Fact]
    public async Task Operations_are_asked_for_at_the_pace_that_Azure_wants()
    {
        _azure.Arm.PollsUntilDone = 3;
        var machine = await _azure.ImportAsync(_azure.Image("b.img", 32 << 20, (0, 64)));
        _azure.Time.Waits.Clear();

        await _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default);

        Assert.All(_azure.Time.Waits, w => Assert.True(w >= TimeSpan.FromSeconds(5), $"{w}"));
        Assert.Contains(TimeSpan.FromSeconds(10), _azure.Time.Waits);   // Retry-After
    }

    [Fact]
    public async Task A_wait_of_twenty_minutes_is_refused_and_said()
    {
        _azure.Arm.Intercept = r => r.Path.EndsWith("/disks", StringComparison.Ordinal)
            ? Answer.Error(429, "OperationNotAllowed", "Too many requests.", ("Retry-After", "1200"), ("x-ms-ratelimit-remaining-resource", "Microsoft.Compute/LowCostGet3Min;0")) : null;

        var e = await Assert.ThrowsAsync<IaaSException>(() => _azure.Session.ListAsync(default));

        Assert.Equal(("AzureThrottles", true), (e.ErrorId, e.IsPassing));
        Assert.Contains("LowCostGet3Min", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(409, "OperationNotAllowed", "Operation could not be completed as it results in exceeding approved Total Regional Cores quota.", ErrorKind.NoCapacity, "QuotaExceeded")]
    [InlineData(409, "AllocationFailed", "Allocation failed.", ErrorKind.NoCapacity, "AllocationFailed")]
    [InlineData(409, "SkuNotAvailable", "The requested size is currently not available.", ErrorKind.NoCapacity, "SkuNotAvailable")]
    [InlineData(412, "PreconditionFailed", "The precondition given in the request was not met.", ErrorKind.Busy, "ChangedMeanwhile")]
    public async Task Refusals_become_sentences_with_what_to_do(int status, string code, string message, ErrorKind kind, string id)
    {
        var machine = await _azure.ImportAsync(_azure.Image("c.img", 32 << 20, (0, 64)));
        _azure.Arm.Intercept = r => r.Method == "PUT" && r.Path.Contains("/virtualMachines/", StringComparison.Ordinal) ? Answer.Error(status, code, message) : null;

        var e = await Assert.ThrowsAsync<IaaSException>(() => _azure.Provider.StartAsync(machine.Id, new StartOptions(), _azure, default));

        Assert.Equal((kind, id), (e.Kind, e.ErrorId));
        Assert.Contains(message.TrimEnd('.'), e.Message, StringComparison.Ordinal);
        Assert.NotEmpty(e.Remedy);
    }

    [Fact]
    public async Task A_missing_right_is_named()
    {
        _azure.Arm.Intercept = r => r.Method == "PUT" && r.Path.Contains("/disks/", StringComparison.Ordinal) ? Answer.Error(403, "AuthorizationFailed",
            "The client 'x' does not have authorization to perform action 'Microsoft.Compute/disks/write' over scope '/subscriptions/1'.") : null;

        var e = await Assert.ThrowsAsync<IaaSException>(() => _azure.ImportAsync(_azure.Image("d.img", 32 << 20, (0, 64))));

        Assert.Contains("Microsoft.Compute/disks/write", e.Remedy, StringComparison.Ordinal);
    }
}
