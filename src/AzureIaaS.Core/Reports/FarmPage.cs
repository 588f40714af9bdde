namespace AzureIaaS.Reports;

/// <summary>A farm as it stands: its machines and hosts.</summary>
internal static class FarmPage
{
    public static string Write(IReadOnlyList<VirtualMachine> machines, IReadOnlyList<FabricHost> hosts)
    {
        var html = new HtmlWriter("The farm");
        html.Raw("<h1>The farm</h1>");
        html.Text(Answer(machines, hosts), "answer");
        if (hosts.Count > 0)
        {
            html.Heading("Hosts");
            var rows = hosts.Select(h => new BarRow($"{h.Name} ({h.State}, fault domain {h.FaultDomain})", h.Memory > 0 ? (double)h.MemoryUsed / h.Memory : 0, $"{ByteSize.Format(h.MemoryUsed)} of {ByteSize.Format(h.Memory)}")).ToList();
            var (height, svg) = Charts.Bars([.. rows.Select(r => r with { Interval = null })]);
            html.Chart("How much memory of each host is taken; the fullest fills the line.", string.Join("; ", rows.Select(r => $"{r.Label} {r.Words}")), height, svg);
            html.Table("Hosts", ["Host", "State", ">Fault domain", ">Update domain", ">CPU", ">Memory", "Machines", "Note"], hosts.Select(h => (IReadOnlyList<string>)
                [h.Name, h.State.ToString(), $"{h.FaultDomain}", $"{h.UpdateDomain}", $"{h.CpuUsed}/{h.Cpu}", $"{ByteSize.Format(h.MemoryUsed)}/{ByteSize.Format(h.Memory)}", string.Join(", ", h.Machines), h.StateReason ?? ""]));
        }

        if (machines.Count > 0)
        {
            html.Heading("Machines");
            html.Table("Machines", ["Machine", "State", "Host", ">CPU", ">Memory", "Availability set", "Note"], machines.Select(m => (IReadOnlyList<string>)
                [m.Name, m.State.ToString(), m.Host ?? "", $"{m.Cpu}", ByteSize.Format(m.Memory), m.AvailabilitySet ?? "", m.StateReason ?? ""]));
        }

        return html.Page();
    }

    public static string Answer(IReadOnlyList<VirtualMachine> machines, IReadOnlyList<FabricHost> hosts)
    {
        var running = machines.Count(m => m.State == MachineState.Running);
        var bad = machines.Where(m => m.State is MachineState.Failed or MachineState.Unknown).Select(m => m.Name).ToList();
        var up = hosts.Count(h => h.State == HostState.Up);
        return string.Join(" ", new[]
        {
            machines.Count > 0 ? $"{running} of {machines.Count} machines run." : "",
            bad.Count > 0 ? $"Somebody should look at {string.Join(", ", bad)}." : "",
            hosts.Count > 0 ? $"{up} of {hosts.Count} hosts are up." : "",
        }.Where(s => s.Length > 0));
    }
}
