using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Threading.Channels;

namespace AzureIaaS.Local.Hypervisors.Qemu.Qmp;

/// <summary>QEMU refused a command.</summary>
/// <param name="command">The command.</param>
/// <param name="errorClass">The error's class.</param>
/// <param name="description">QEMU's words.</param>
internal sealed class QmpException(string command, string errorClass, string description)
    : IaaSException(ErrorKind.Failed, "QemuRefused", $"QEMU refused '{command}': {description}", "Look at the machine's qemu.log for more.")
{
    /// <summary>The error's class, such as <c>CommandNotFound</c>.</summary>
    public string Class => errorClass;
}

/// <summary>A connection to a monitor. A monitor serves one client at a time, so connections are short, and made under the machine's lock.</summary>
internal sealed class QmpConnection : IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly QmpCodec _codec = new();
    private readonly ConcurrentDictionary<long, TaskCompletionSource<JsonElement>> _waiting = new();
    private readonly Channel<QmpMessage.Event> _events = Channel.CreateBounded<QmpMessage.Event>(
        new BoundedChannelOptions(1024) { FullMode = BoundedChannelFullMode.DropOldest });
    private readonly TaskCompletionSource<string> _greeted = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly SemaphoreSlim _sending = new(1);
    private readonly Task _receiving;
    private readonly string _path;
    private long _lastId;

    private QmpConnection(Socket socket, string path)
    {
        _socket = socket;
        _path = path;
        _receiving = Task.Run(ReceiveAsync);
    }

    /// <summary>QEMU's version.</summary>
    public string Version { get; private set; } = "";

    /// <summary>The events as they come; completed when the connection ends.</summary>
    public ChannelReader<QmpMessage.Event> Events => _events.Reader;

    /// <summary>Connects, waits for the greeting and leaves negotiation mode.</summary>
    /// <param name="path">The monitor's socket.</param>
    /// <param name="timeout">How long all of it may take.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The connection; null when nobody listens there.</returns>
    /// <exception cref="IaaSException">There is a listener, and it does not answer.</exception>
    public static async Task<QmpConnection?> ConnectAsync(string path, TimeSpan timeout, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limit.CancelAfter(timeout);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        QmpConnection? connection = null;
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), limit.Token);
            connection = new QmpConnection(socket, path);
            connection.Version = await connection._greeted.Task.WaitAsync(limit.Token);
            await connection.ExecuteAsync("qmp_capabilities", null, limit.Token);
            return connection;
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            await AbandonAsync(connection, socket);
            throw Silent(path, timeout, null);
        }
        catch (Exception e) when (e is SocketException or IOException)
        {
            await AbandonAsync(connection, socket);
            return null;   // nobody listens, or the process died while it greeted
        }
        catch
        {
            await AbandonAsync(connection, socket);
            throw;
        }
    }

    /// <summary>Connects to the monitor of a QEMU that has just been started. One that is connected to while it is being made may never answer that connection; it answers the next.</summary>
    /// <param name="path">The monitor's socket.</param>
    /// <param name="patience">How long the first connection may be silent; each further one twice as long.</param>
    /// <param name="timeout">How long all of it may take.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>The connection; null when nobody listens there, or nobody has answered in time.</returns>
    public static async Task<QmpConnection?> ConnectToNewAsync(string path, TimeSpan patience, TimeSpan timeout, CancellationToken cancellation)
    {
        for (var start = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(start) < timeout; patience *= 2)
        {
            try
            {
                return await ConnectAsync(path, patience, cancellation);
            }
            catch (IaaSException e) when (e.Kind == ErrorKind.Timeout)
            {
                // Asked again.
            }
        }

        return null;
    }

    /// <summary>Runs a command and waits for its answer.</summary>
    /// <param name="command">The command's name.</param>
    /// <param name="arguments">Its arguments; null for none.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>What it returns.</returns>
    /// <exception cref="QmpException">QEMU refused it.</exception>
    /// <exception cref="IOException">The connection ended first.</exception>
    public async Task<JsonElement> ExecuteAsync(string command, JsonObject? arguments, CancellationToken cancellation)
    {
        var id = Interlocked.Increment(ref _lastId);
        var answer = new TaskCompletionSource<JsonElement>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = answer;
        try
        {
            if (_receiving.IsCompleted)
                throw Ended(null);
            await SendAsync(QmpCodec.Encode(command, arguments, id), cancellation);
            return await answer.Task.WaitAsync(cancellation);
        }
        catch (QmpRefusal refusal)
        {
            throw new QmpException(command, refusal.Class, refusal.Message);
        }
        catch (SocketException e)
        {
            throw Ended(e);
        }
        finally
        {
            _waiting.TryRemove(id, out _);
        }
    }

    /// <summary>Runs a command and waits a while for its answer.</summary>
    /// <param name="command">The command's name.</param>
    /// <param name="arguments">Its arguments; null for none.</param>
    /// <param name="within">How long.</param>
    /// <param name="cancellation">Stops waiting.</param>
    /// <returns>What it returns.</returns>
    /// <exception cref="IaaSException">It does not answer.</exception>
    /// <exception cref="QmpException">QEMU refused it.</exception>
    /// <exception cref="IOException">The connection ended first.</exception>
    public async Task<JsonElement> ExecuteAsync(string command, JsonObject? arguments, TimeSpan within, CancellationToken cancellation)
    {
        try
        {
            return await ExecuteAsync(command, arguments, cancellation).WaitAsync(within, cancellation);
        }
        catch (TimeoutException e)
        {
            throw Silent(_path, within, e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _receiving;
        _sending.Dispose();
    }

    private static IaaSException Silent(string path, TimeSpan within, Exception? inner) => new(ErrorKind.Timeout, "MonitorSilent",
        $"The monitor at {path} did not answer within {within.TotalSeconds:0.#} s: the machine's process is halted, or the computer is overloaded.",
        "Look at the machine with Get-IaaSVm, and try again.", path, inner);

    private static async ValueTask AbandonAsync(QmpConnection? connection, Socket socket)
    {
        socket.Dispose();
        if (connection is not null)
            await connection.DisposeAsync();
    }

    private async Task SendAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancellation)
    {
        await _sending.WaitAsync(cancellation);
        try
        {
            while (!bytes.IsEmpty)
                bytes = bytes[await _socket.SendAsync(bytes, cancellation)..];
        }
        finally
        {
            _sending.Release();
        }
    }

    private async Task ReceiveAsync()
    {
        Exception? fault = null;
        try
        {
            var buffer = new byte[16 << 10];
            while (await _socket.ReceiveAsync(buffer.AsMemory()) is var count and > 0)
            {
                foreach (var message in _codec.Receive(buffer.AsSpan(0, count)))
                    Deliver(message);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or IaaSException)
        {
            fault = e;
        }

        var ended = Ended(fault);
        _greeted.TrySetException(ended);
        _ = _greeted.Task.Exception;   // seen: nobody may be waiting for it
        _events.Writer.TryComplete();
        foreach (var answer in _waiting.Values)
            answer.TrySetException(ended);
    }

    private void Deliver(QmpMessage message)
    {
        switch (message)
        {
            case QmpMessage.Greeting greeting:
                _greeted.TrySetResult(greeting.Version);
                break;
            case QmpMessage.Event e:
                _events.Writer.TryWrite(e);
                break;
            case QmpMessage.Return { Id: { } id } answer when _waiting.TryGetValue(id, out var waiting):
                waiting.TrySetResult(answer.Value);
                break;
            case QmpMessage.Error { Id: { } id } error when _waiting.TryGetValue(id, out var waiting):
                waiting.TrySetException(new QmpRefusal(error.Class, error.Description));
                break;
        }
    }

    private static IOException Ended(Exception? cause) => new("The connection to QEMU's monitor ended.", cause);

    /// <summary>A refusal on its way from the receiving task to whoever sent the command, who knows the command's name.</summary>
    private sealed class QmpRefusal(string errorClass, string description) : Exception(description)
    {
        public string Class => errorClass;
    }
}
