using System.Text;
using AzureIaaS.Local.Consoles;

namespace AzureIaaS.Local.Tests.Consoles;

public sealed class ConsoleTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Theory]
    [InlineData("[    0.000000] Linux version 6.1.0-13-cloud-amd64")]
    [InlineData("debian login: ")]
    [InlineData("\u001b[32mWelcome to Debian GNU/Linux 12\u001b[0m")]
    [InlineData("guest: boot 1")]
    [InlineData("SAC>")]
    [InlineData("Starting my own kernel")]
    public void TheGuestsOwnWords(string line) => Assert.True(GuestSigns.IsGuests(line));

    [Theory]
    [InlineData("")]
    [InlineData("   \r")]
    [InlineData("SeaBIOS (version 1.16.2-debian-1.16.2-1)")]
    [InlineData("Booting from Hard Disk...")]
    [InlineData("BdsDxe: loading Boot0001 \"UEFI Misc Device\" from PciRoot(0x0)/Pci(0x3,0x0)")]
    [InlineData("BdsDxe: failed to load Boot0001: Not Found")]
    [InlineData("GRUB loading.")]
    [InlineData("Welcome to GRUB!")]
    [InlineData("Loading Linux 6.1.0-13-amd64 ...")]
    [InlineData("error: no such device: 1234.")]
    [InlineData("\u001b[5;22HDebian GNU/Linux")]
    [InlineData("Boot failed: not a bootable disk")]
    [InlineData("No bootable device.")]
    [InlineData("EFI stub: Loaded initrd from LINUX_EFI_INITRD_MEDIA_GUID device path")]
    public void WordsOfFirmwareAndLoaders(string line) => Assert.False(GuestSigns.IsGuests(line));

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a\tb", "a\tb")]
    [InlineData("\u001b[1;31mred\u001b[0m!", "red!")]
    [InlineData("\u001b]0;evil title\atext", "text")]
    [InlineData("bell\a\b\r", "bell")]
    [InlineData("cut\u001b", "cut")]
    [InlineData("cut\u001b[12", "cut")]
    [InlineData("\u001b(Bset", "set")]
    [InlineData("\u009b31mraw", "31mraw")]
    public void AGuestDoesNotCommandTheReadersTerminal(string line, string shown) => Assert.Equal(shown, ConsoleText.Clean(line));

    [Fact]
    public async Task TheLastLines()
    {
        await File.WriteAllTextAsync(_path, "one\ntwo\nthree\nfour");
        Assert.Equal(["three", "four"], await LinesAsync(2));
        Assert.Equal(["one", "two", "three", "four"], await LinesAsync(null));
        Assert.Equal(["one", "two", "three", "four"], await LinesAsync(99));
        Assert.Empty(await LinesAsync(0));
    }

    [Fact]
    public async Task TheNewlineAtTheEndBeginsNoLine()
    {
        await File.WriteAllTextAsync(_path, "one\ntwo\n");
        Assert.Equal(["two"], await LinesAsync(1));
    }

    [Fact]
    public async Task NoLogHasNoLines()
    {
        File.Delete(_path);
        Assert.Empty(await LinesAsync(5));
        Assert.Empty(await LinesAsync(null));
    }

    [Fact]
    public async Task FollowingGivesEveryLineOnce()
    {
        await File.WriteAllTextAsync(_path, "one\n");
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(20));
        var seen = new List<string>();
        var next = 2;
        await foreach (var line in ConsoleLog.ReadLinesAsync(_path, null, follow: true, stop.Token))
        {
            seen.Add(line);
            if (seen.Count == 20)
                break;
            await File.AppendAllTextAsync(_path, $"{next++}\n", stop.Token);
        }

        Assert.Equal(["one", .. Enumerable.Range(2, 19).Select(i => $"{i}")], seen);
    }

    [Fact]
    public async Task AGrownLogGivesItsBeginningBackAndKeepsItsEnd()
    {
        using (var writer = new StreamWriter(_path))
        {
            for (var i = 0; i < 2_000_000; i++)
                writer.Write($"line {i}\n");
        }

        var before = new FileInfo(_path).Length;
        Assert.True(before > 16 << 20);
        ConsoleLog.Bound(_path);
        Assert.Equal(before, new FileInfo(_path).Length);
        Assert.Equal(["line 1999998", "line 1999999"], await LinesAsync(2));
        var all = await LinesAsync(null);
        Assert.InRange(all.Sum(l => l.Length + 1L), 8 << 20, 9 << 20);
        Assert.Equal("line 1999999", all[^1]);
        Assert.Equal(all.Count, (await LinesAsync(int.MaxValue)).Count);
    }

    [Fact]
    public async Task ALineThatNeverEndsIsCut()
    {
        await File.WriteAllBytesAsync(_path, Encoding.ASCII.GetBytes(new string('x', 200_000)));
        Assert.All(await LinesAsync(null), l => Assert.InRange(l.Length, 1, 64 << 10));
    }

    [Fact]
    public void ADhcpRequestIsASignOfLifeAndOtherFramesAreNot()
    {
        var frame = new byte[300];
        (frame[12], frame[13], frame[14], frame[23]) = (0x08, 0x00, 0x45, 17);
        (frame[34], frame[35], frame[36], frame[37]) = (0, 68, 0, 67);
        Assert.True(FrameListener.IsDhcp(frame));
        frame[35] = 67;
        Assert.False(FrameListener.IsDhcp(frame));
        for (var length = 0; length < 42; length++)
            Assert.False(FrameListener.IsDhcp(frame.AsSpan(0, length)));
    }

    private async Task<List<string>> LinesAsync(int? tail)
    {
        var lines = new List<string>();
        await foreach (var line in ConsoleLog.ReadLinesAsync(_path, tail, follow: false, CancellationToken.None))
            lines.Add(line);
        return lines;
    }
}
