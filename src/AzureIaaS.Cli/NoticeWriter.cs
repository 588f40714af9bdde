using System.Globalization;
using AzureIaaS.Providers;

namespace AzureIaaS.Cli;

/// <summary>Writes what is going on to standard error: progress on one line that is overwritten on a terminal, warnings, details, errors.</summary>
internal sealed class NoticeWriter(bool verbose) : IProgress<Notice>
{
    private readonly bool _isTerminal = !Console.IsErrorRedirected;
    private readonly object _gate = new();
    private string _shown = "";

    public void Report(Notice value)
    {
        lock (_gate)
        {
            switch (value.Kind)
            {
                case NoticeKind.Warning:
                    WriteLine("iaas: warning: " + Wording.ForShell(value.Text));
                    break;
                case NoticeKind.Verbose when verbose:
                    WriteLine("iaas: " + value.Text);
                    break;
                case NoticeKind.Step:
                    Show(value.Fraction is { } f ? string.Create(CultureInfo.InvariantCulture, $"{value.Text} … {f * 100:0}%") : value.Text + " …");
                    break;
            }
        }
    }

    public void Error(string message, string? remedy)
    {
        lock (_gate)
        {
            WriteLine("iaas: " + Wording.ForShell(message));
            if (remedy is not null)
                WriteLine("  → " + Wording.ForShell(remedy));
        }
    }

    /// <summary>Takes the progress line away.</summary>
    public void Clear()
    {
        lock (_gate)
            Show("");
    }

    private void WriteLine(string line)
    {
        Show("");
        Console.Error.WriteLine(line);
    }

    private void Show(string text)
    {
        if (!_isTerminal || text == _shown)
            return;
        var width = Math.Max(20, Console.WindowWidth) - 1;
        if (text.Length > width)
            text = text[..width];
        Console.Error.Write("\r" + text.PadRight(_shown.Length) + "\r" + text);
        if (text.Length == 0)
            Console.Error.Write("\r");
        _shown = text;
    }
}
