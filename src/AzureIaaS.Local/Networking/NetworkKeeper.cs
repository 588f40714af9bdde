using System.Net;
using System.Net.Sockets;
using AzureIaaS.Local.Fabric;
using AzureIaaS.Local.Networking.Services;
using AzureIaaS.Local.Processes;
using AzureIaaS.Providers;

namespace AzureIaaS.Local.Networking;

/// <summary>Sees to it that the networks of running machines have their switches, and asks those.</summary>
internal sealed class NetworkKeeper(LocalServices services, WatcherCommand? command)
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(50);

    /// <summary>Starts the switches that machines need and that do not run.</summary>
    /// <param name="machines">The machines.</param>
    /// <param name="notices">Receives why one could not be started.</param>
    public void Ensure(IEnumerable<VirtualMachine> machines, IProgress<Notice> notices)
    {
        foreach (var network in machines.SelectMany(NetworksOf).Distinct())
            Ensure(network, notices);
    }

    /// <summary>Has the switches of a machine's networks take note of what was changed, once they run.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="notices">Receives what could not be done.</param>
    /// <param name="cancellation">Stops waiting for them.</param>
    public async Task SyncAsync(VirtualMachine machine, IProgress<Notice> notices, CancellationToken cancellation)
    {
        foreach (var network in NetworksOf(machine))
        {
            Ensure(network, notices);
            await SyncAsync(network, notices, cancellation);
        }
    }

    /// <summary>Has a network's switch take note of what was changed.</summary>
    /// <param name="network">The network's id.</param>
    /// <param name="notices">Receives what could not be done.</param>
    /// <param name="cancellation">Stops waiting for it.</param>
    public async Task SyncAsync(Guid network, IProgress<Notice> notices, CancellationToken cancellation)
    {
        if (!services.Hypervisor.SendsFrames)
            return;
        var start = Environment.TickCount64;
        while (Environment.TickCount64 - start < AnswerWithin.TotalMilliseconds)
        {
            if (await AskAsync(network, new SwitchRequest { Command = SwitchCommand.Sync }, cancellation) is { } answer)
            {
                foreach (var problem in answer.Problems)
                    notices.Report(Notice.Warning(problem));
                return;
            }

            if (command?.SwitchArguments is null && !Runs(network))
                return;   // nobody starts one from here
            await Task.Delay(AskEvery, cancellation);
        }

        notices.Report(Notice.Warning($"The switch of network '{NameOf(network)}' does not answer; {services.Layout.Network(network).Log} may say why."));
    }

    /// <summary>Whether a member listens at a port, or answers a ping.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="port">The port; null for a ping.</param>
    /// <param name="cancellation">Stops it.</param>
    public async Task<ProbeResult> ProbeAsync(VirtualMachine machine, int? port, CancellationToken cancellation)
    {
        var adapter = AdapterOf(machine);
        if (!services.Hypervisor.SendsFrames)
            return machine.State == MachineState.Running ? ProbeResult.Answers : ProbeResult.Silent;
        var answer = await AskAsync(adapter.NetworkId!.Value, new SwitchRequest { Command = SwitchCommand.Probe, Address = adapter.IPAddress, Port = port }, cancellation);
        return Enum.TryParse<ProbeResult>(answer?.Result, out var result) ? result : ProbeResult.Silent;
    }

    /// <summary>Opens a port of the loopback that leads to a machine's, and writes it on the machine; closed when the answer is disposed.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="port">Its port; null for the first that it publishes, else 80.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>What keeps it open; null when the machine is on no network, or its switch cannot.</returns>
    public async Task<IDisposable?> OpenEndpointAsync(VirtualMachine machine, int? port, CancellationToken cancellation)
    {
        var published = machine.PublishedPorts.FirstOrDefault(p => !p.Udp)?.Port;
        await SyncAsync(machine, SilentNotices.Instance, cancellation);   // its switch may have been started a moment ago
        if (!services.Hypervisor.SendsFrames || machine.NetworkAdapters.FirstOrDefault(a => a.NetworkId is not null) is not { } adapter
            || await SwitchClient.ConnectAsync(services.Layout.Network(adapter.NetworkId!.Value), cancellation) is not { } client)
            return null;
        var answer = await client.AskAsync(new SwitchRequest { Command = SwitchCommand.Forward, Address = adapter.IPAddress, Port = port ?? published ?? 80 }, cancellation);
        machine.Endpoint = answer?.Endpoint ?? machine.Endpoint;
        return client;
    }

    /// <summary>Connects to a network's switch, which is started if need be; while the connection lasts, it does not end by itself.</summary>
    /// <param name="network">The network's id.</param>
    /// <param name="notices">Receives why it could not be started.</param>
    /// <param name="cancellation">Stops waiting for it.</param>
    /// <exception cref="IaaSException">It does not answer.</exception>
    public async Task<SwitchClient> ConnectAsync(Guid network, IProgress<Notice> notices, CancellationToken cancellation)
    {
        Ensure(network, notices);
        for (var start = Environment.TickCount64; Environment.TickCount64 - start < AnswerWithin.TotalMilliseconds; await Task.Delay(AskEvery, cancellation))
        {
            if (await SwitchClient.ConnectAsync(services.Layout.Network(network), cancellation) is { } client)
                return client;
        }

        throw new IaaSException(ErrorKind.Failed, "SwitchSilent", $"The switch of network '{NameOf(network)}' does not answer.", $"{services.Layout.Network(network).Log} may say why.", network);
    }

    /// <summary>What a guest has asked of its networks since it was started; null for nothing.</summary>
    /// <param name="machine">The machine.</param>
    public string? SignOfLife(VirtualMachine machine) =>
        machine.Started is { } started && NetworksOf(machine).Any() && services.Store.Networks.PlacesOf(machine.Id).Any(p => p.Leased >= started)
            ? "it asked for a network address (DHCP)" : null;

    /// <summary>A network's switch; null while none runs.</summary>
    /// <param name="network">The network's id.</param>
    public bool Runs(Guid network)
    {
        using var free = services.Store.Locks.TryAcquire(SwitchHost.LockName(network));
        return free is null;
    }

    /// <summary>Gives a switch a command.</summary>
    /// <param name="network">The network's id.</param>
    /// <param name="request">The command.</param>
    /// <param name="cancellation">Stops waiting for the answer.</param>
    /// <returns>The answer; null when no switch runs.</returns>
    public async Task<SwitchResponse?> AskAsync(Guid network, SwitchRequest request, CancellationToken cancellation)
    {
        using var client = await SwitchClient.ConnectAsync(services.Layout.Network(network), cancellation);
        return client is null ? null : await client.AskAsync(request, cancellation);
    }

    /// <summary>Refuses a port of this computer that cannot be listened at.</summary>
    /// <param name="port">The port.</param>
    public static void CheckFree(PublishedPort port)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, port.Udp ? SocketType.Dgram : SocketType.Stream, port.Udp ? ProtocolType.Udp : ProtocolType.Tcp);
        try
        {
            socket.Bind(new IPEndPoint(IPAddress.Parse(port.HostAddress), port.HostPort));
        }
        catch (SocketException e)
        {
            throw new IaaSException(e.SocketErrorCode == SocketError.AccessDenied ? ErrorKind.AccessDenied : ErrorKind.AlreadyExists, "PortNotFree",
                $"{port.HostAddress}:{port.HostPort} cannot be listened at: {e.Message}.", "Publish at another port: 8080:80 for example; those below 1024 are root's.", port.ToString(), e);
        }
    }

    private static IEnumerable<Guid> NetworksOf(VirtualMachine machine) => machine.NetworkAdapters.Select(a => a.NetworkId).OfType<Guid>().Distinct();

    private static NetworkAdapter AdapterOf(VirtualMachine machine) => machine.NetworkAdapters.FirstOrDefault(a => a.NetworkId is not null)
        ?? throw new IaaSException(ErrorKind.InvalidState, "VmOnNoNetwork", $"{machine.Name} is on no network, so nobody can reach its ports.",
            "Put it on one with Join-IaaSNetwork.", machine.Name);

    private string NameOf(Guid network) => services.Store.Networks.Find(network)?.Name ?? network.ToString();

    private void Ensure(Guid network, IProgress<Notice> notices)
    {
        if (!services.Hypervisor.SendsFrames || command?.SwitchArguments is not { } arguments || Runs(network))
            return;
        try
        {
            Launcher.Start(command.Program, arguments(network), services.Layout.Root, services.Layout.Network(network).Log, confinement: null);
        }
        catch (IaaSException e)
        {
            notices.Report(Notice.Warning($"The switch of network '{NameOf(network)}' could not be started: {e.Message}"));
        }
    }
}
