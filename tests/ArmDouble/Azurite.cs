using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;

namespace AzureIaaS.ArmDouble;

/// <summary>A real storage emulator behind the double's disks: azurite-blob from the path, in a process of its own on loopback.</summary>
public sealed class Azurite : IBlobs, IDisposable
{
    private const string Account = "devstoreaccount1";
    private const string Container = "disks";
    private const string Version = "2019-12-12";

    // The emulator's own key, which everybody has.
    private static readonly byte[] Key = Convert.FromBase64String("Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==");

    private static IEnumerable<string> Folders => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .Append(Path.Combine(Environment.GetEnvironmentVariable("XDG_CACHE_HOME") ?? Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache"),
            "azureiaas", "azurite", "node_modules", ".bin"));

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("azureiaas-azurite-");
    private readonly HttpClient _http = new() { Timeout = Timeout.InfiniteTimeSpan };   // a computer that does something else for minutes is no failure
    private readonly Process _process;
    private readonly Uri _address;

    private Azurite(string program)
    {
        var port = FreePort();
        _address = new Uri($"http://127.0.0.1:{port}/{Account}");
        var start = new ProcessStartInfo(program) { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in new[] { "--blobHost", "127.0.0.1", "--blobPort", $"{port}", "--location", _folder.FullName, "--silent", "--skipApiVersionCheck", "--disableTelemetry" })
            start.ArgumentList.Add(argument);
        _process = Process.Start(start)!;
    }

    /// <summary>The program; null where it is not installed.</summary>
    public static string? Program => Folders.Select(f => Path.Combine(f, "azurite-blob")).FirstOrDefault(File.Exists);

    /// <summary>Starts it.</summary>
    public static async Task<Azurite> StartAsync()
    {
        var azurite = new Azurite(Program ?? throw new InvalidOperationException("azurite-blob is not installed."));
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                using var request = new HttpRequestMessage(HttpMethod.Put, $"{azurite._address}/{Container}?restype=container&{Sas(DateTimeOffset.Parse("2100-01-01", CultureInfo.InvariantCulture))}");
                using var response = await azurite._http.SendAsync(request);
                response.EnsureSuccessStatusCode();
                return azurite;
            }
            catch (HttpRequestException) when (attempt < 1200)   // two minutes: a busy computer takes one
            {
                await Task.Delay(100);
            }
        }
    }

    /// <summary>The processor time that it has used.</summary>
    public TimeSpan ProcessorTime
    {
        get
        {
            _process.Refresh();
            return _process.TotalProcessorTime;
        }
    }

    public async Task CreateAsync(string name, long length)
    {
        using var request = new HttpRequestMessage(HttpMethod.Put, Grant(name, DateTimeOffset.Parse("2100-01-01", CultureInfo.InvariantCulture), true)) { Content = new ByteArrayContent([]) };
        request.Headers.Add("x-ms-blob-type", "PageBlob");
        request.Headers.Add("x-ms-blob-content-length", length.ToString(CultureInfo.InvariantCulture));
        using var response = await _http.SendAsync(request);
        response.EnsureSuccessStatusCode();
    }

    public Uri Grant(string name, DateTimeOffset expiry, bool write) => new($"{_address}/{Container}/{name}?{Sas(expiry)}");

    public async Task<byte[]> ReadAsync(string name, long offset, int length)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Grant(name, DateTimeOffset.Parse("2100-01-01", CultureInfo.InvariantCulture), false));
        request.Headers.Add("x-ms-range", $"bytes={offset}-{offset + length - 1}");
        using var response = await _http.SendAsync(request);
        return await response.EnsureSuccessStatusCode().Content.ReadAsByteArrayAsync();
    }

    /// <summary>The ranges of a blob that hold pages, in order; none where there is no such blob.</summary>
    /// <param name="name">The blob.</param>
    public async Task<IReadOnlyList<(long Start, long End)>> ListAsync(string name)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, Grant(name, DateTimeOffset.Parse("2100-01-01", CultureInfo.InvariantCulture), false) + "&comp=pagelist");
        request.Headers.Add("x-ms-version", "2021-08-06");
        using var response = await _http.SendAsync(request);
        if (response.StatusCode == HttpStatusCode.NotFound)
            return [];
        var list = XElement.Parse(await response.EnsureSuccessStatusCode().Content.ReadAsStringAsync());
        return [.. list.Elements("PageRange").Select(r => ((long)r.Element("Start")!, (long)r.Element("End")! + 1)).Order()];
    }

    public async Task CopyAsync(string from, string to)
    {
        var forever = DateTimeOffset.Parse("2100-01-01", CultureInfo.InvariantCulture);
        using var request = new HttpRequestMessage(HttpMethod.Put, Grant(to, forever, true)) { Content = new ByteArrayContent([]) };
        request.Headers.Add("x-ms-copy-source", Grant(from, forever, false).AbsoluteUri);
        using var response = await _http.SendAsync(request);
        response.EnsureSuccessStatusCode();
    }

    public void Revoke(string name)
    {
        // Signatures of the whole account cannot be taken back; the double's own state refuses what must be refused.
    }

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _http.Dispose();
        _folder.Delete(recursive: true);
    }

    private static string Sas(DateTimeOffset expiry)
    {
        var end = expiry.ToString("yyyy-MM-ddTHH:mm:ssZ", CultureInfo.InvariantCulture);
        var text = $"{Account}\nrwdlac\nb\nsco\n\n{end}\n\nhttp,https\n{Version}\n";
        var signature = Convert.ToBase64String(HMACSHA256.HashData(Key, Encoding.UTF8.GetBytes(text)));
        return $"sv={Version}&ss=b&srt=sco&sp=rwdlac&se={Uri.EscapeDataString(end)}&spr={Uri.EscapeDataString("http,https")}&sig={Uri.EscapeDataString(signature)}";
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
