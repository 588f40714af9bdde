using System.Text.Json.Nodes;
using AzureIaaS.ArmDouble;
using AzureIaaS.Azure.Tests.Support;

namespace AzureIaaS.Azure.Tests.Replay;

/// <summary>The double checks every body that any test sends; here, that it would notice.</summary>
public class BodyTests
{
    [SkippableTheory]
    [InlineData("""{ "location": "x", "properties": { "creationData": { "createOption": "Empty" } } }""", null)]
    [InlineData("""{ "location": "x", "properties": { "creationData": { "createOption": "Empty" }, "nonsense": 1 } }""", ".properties.nonsense is unknown")]
    [InlineData("""{ "location": "x", "properties": { "creationData": { "createOption": "Empty" }, "diskState": "Attached" } }""", ".properties.diskState is read-only")]
    [InlineData("""{ "location": "x", "properties": { "creationData": {} } }""", ".properties.creationData.createOption is missing")]
    [InlineData("""{ "location": "x", "properties": { "creationData": { "createOption": "Empty" }, "diskSizeGB": "8" } }""", ".properties.diskSizeGB is no number")]
    public void A_body_that_Azure_would_not_take_is_noticed(string body, string? problem)
    {
        var types = new BicepTypes(Path.Combine(SharedAzure.Needed, "bicep-types", "microsoft.compute@2023-04-02.json"));
        Assert.Equal(problem is null ? [] : [problem], types.Problems("Microsoft.Compute/disks@2023-04-02", JsonNode.Parse(body)!));
    }

    [SkippableTheory]
    [InlineData("""{ "location": "x", "properties": { "creationData": { "createOption": "Empty" } } }""", null)]
    [InlineData("""{ "location": "x", "properties": { "creationData": { "createOption": "Invented" } } }""", ".properties.creationData.createOption is none of")]
    [InlineData("""{ "location": "x", "properties": { "creationData": {} } }""", ".properties.creationData.createOption is missing")]
    [InlineData("""{ "location": "x" }""", ".properties is missing")]
    [InlineData("""{ "location": "x", "tags": { "a": 1 }, "properties": { "creationData": { "createOption": "Empty" } } }""", ".tags.a is no string")]
    [InlineData("""{ "location": "x", "properties": { "creationData": { "createOption": "Empty" }, "diskSizeGB": 1.5 } }""", ".properties.diskSizeGB is no integer")]
    [InlineData("""{ "location": "x", "zones": "1", "properties": { "creationData": { "createOption": "Empty" } } }""", ".zones is no array")]
    public void A_body_that_the_schema_does_not_have_is_noticed(string body, string? problem)
    {
        _ = SharedAzure.Needed;
        var problems = SharedAzure.Schemas["Microsoft.Compute@2023-04-02"].Problems("Microsoft.Compute/disks", "2023-04-02", JsonNode.Parse(body)!);
        Assert.Equal(problem is null ? 0 : 1, problems.Count);
        Assert.StartsWith(problem ?? "", problems.FirstOrDefault() ?? "", StringComparison.Ordinal);
    }

    [SkippableFact]
    public void The_double_checks_the_versions_that_are_spoken()
    {
        _ = SharedAzure.Needed;
        using var azure = new TestAzure();
        Assert.Equal(["Microsoft.Compute@2023-04-02", "Microsoft.Compute@2023-07-01", $"Microsoft.Network@{Azure.Arm.ArmConnection.NetworkVersion}"], azure.Arm.Types.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(azure.Arm.Types.Keys.Order(StringComparer.Ordinal), azure.Arm.Schemas.Keys.Order(StringComparer.Ordinal));
    }
}
