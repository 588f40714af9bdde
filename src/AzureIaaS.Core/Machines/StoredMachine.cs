namespace AzureIaaS;

/// <summary>A machine as the store keeps it, with what only its provider understands.</summary>
/// <param name="Machine">The machine.</param>
/// <param name="Generation">How often it has been written; a write with an older generation is refused.</param>
/// <param name="ProviderData">The provider's own notes as JSON: its process, its versions.</param>
public sealed record StoredMachine(VirtualMachine Machine, long Generation, string ProviderData);
