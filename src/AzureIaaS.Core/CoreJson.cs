using System.Text.Json.Serialization;
using AzureIaaS.Failover;
using AzureIaaS.Imports;
using AzureIaaS.Providers;
using AzureIaaS.Readiness;
using AzureIaaS.Sessions;
using AzureIaaS.Simulation;

namespace AzureIaaS;

/// <summary>How Core's types are written as JSON: in the store, in files and by <c>iaas</c>. Compiled, since reflection would cost a shell's start.</summary>
[JsonSourceGenerationOptions(DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(VirtualMachine))]
[JsonSerializable(typeof(VirtualDisk))]
[JsonSerializable(typeof(VmCheckpoint))]
[JsonSerializable(typeof(FailoverReport))]
[JsonSerializable(typeof(VmCommandResult))]
[JsonSerializable(typeof(FabricHost))]
[JsonSerializable(typeof(VirtualNetwork))]
[JsonSerializable(typeof(Operation))]
[JsonSerializable(typeof(IaaSContext))]
[JsonSerializable(typeof(ImageInfo))]
[JsonSerializable(typeof(ImportPlan))]
[JsonSerializable(typeof(StagedPass))]
[JsonSerializable(typeof(Orphan))]
[JsonSerializable(typeof(FleetModel))]
[JsonSerializable(typeof(AvailabilityReport))]
[JsonSerializable(typeof(ReadinessReport))]
public sealed partial class CoreJson : JsonSerializerContext;
