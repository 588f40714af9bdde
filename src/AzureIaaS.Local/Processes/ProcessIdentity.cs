namespace AzureIaaS.Local.Processes;

/// <summary>
/// A process beyond doubt: its number, when it started and in which boot of the machine. A number alone is reused by the system sooner or later.
/// </summary>
/// <param name="Id">The process's number.</param>
/// <param name="StartTime">When it started, in clock ticks since the machine's boot (proc(5), stat, field 22).</param>
/// <param name="Boot">The identity of the machine's boot.</param>
internal sealed record ProcessIdentity(int Id, long StartTime, string Boot);
