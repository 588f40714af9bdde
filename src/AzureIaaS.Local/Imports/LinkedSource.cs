using System.Net.Sockets;
using AzureIaaS.Disks;
using AzureIaaS.Disks.Nbd;
using AzureIaaS.Imports;

namespace AzureIaaS.Local.Imports;

/// <summary>
/// The image of one linked disk, served read-only on a private socket. While the image is not to be had, or is no longer the same, every read is
/// answered with an error, and the guests that ask stand still; nothing of another content ever gets to them.
/// </summary>
internal sealed class LinkedSource : IDisposable
{
    private readonly ReaderWriterLockSlim _gate = new();
    private readonly VirtualDisk _disk;
    private readonly Socket _listener;
    private DiskImage? _image;

    /// <summary>Serves a disk's image.</summary>
    /// <param name="disk">The disk, with its link.</param>
    /// <param name="socket">The socket to listen at.</param>
    public LinkedSource(VirtualDisk disk, string socket)
    {
        _disk = disk;
        File.Delete(socket);
        _listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _listener.Bind(new UnixDomainSocketEndPoint(socket));
        _listener.Listen();
    }

    /// <summary>The name under which a disk's image is served.</summary>
    /// <param name="disk">The disk's name.</param>
    public static string ExportName(string disk) => disk + "-link";

    /// <summary>Opens the image if it is not open, and sees whether it is still the same.</summary>
    /// <exception cref="IaaSException">It is gone, or has changed.</exception>
    public void Check()
    {
        _gate.EnterWriteLock();
        try
        {
            if (_image is null)
                _image = LinkedImage.Open(_disk);
            else
                ImportSaga.CheckUnchanged(_disk.Link!.Files);
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }

    /// <summary>Closes the image; reads fail until it is opened again.</summary>
    public void Close()
    {
        _gate.EnterWriteLock();
        try
        {
            _image?.Dispose();
            _image = null;
        }
        finally
        {
            _gate.ExitWriteLock();
        }
    }

    /// <summary>Serves whoever connects, until cancelled.</summary>
    /// <param name="cancellation">Stops it.</param>
    public async Task ServeAsync(CancellationToken cancellation)
    {
        var clients = new List<Task>();
        try
        {
            while (true)
            {
                var client = await _listener.AcceptAsync(cancellation);
                clients.RemoveAll(c => c.IsCompleted);
                clients.Add(ServeAsync(client, cancellation));
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(clients);
        }
    }

    public void Dispose()
    {
        _listener.Dispose();
        Close();
        _gate.Dispose();
    }

    private async Task ServeAsync(Socket client, CancellationToken cancellation)
    {
        try
        {
            await using var stream = new NetworkStream(client, ownsSocket: true);
            await NbdServer.ServeAsync(stream, new NbdExport(ExportName(_disk.Name), _disk.Length, Read), cancellation);
        }
        catch (Exception e) when (e is IOException or InvalidDataException or OperationCanceledException)
        {
            // It has gone, or does not speak the protocol.
        }
    }

    private void Read(long offset, Span<byte> buffer)
    {
        _gate.EnterReadLock();
        try
        {
            if (_image is null)
                throw new IOException("The image is not open.");
            _image.Read(offset, buffer);
        }
        finally
        {
            _gate.ExitReadLock();
        }
    }
}
