using System.Text;

namespace AzureIaaS.Local.Consoles;

/// <summary>Console output as text that is safe to show: a guest must not command the terminal of whoever reads its log.</summary>
internal static class ConsoleText
{
    private const char Escape = '\u001b';

    /// <summary>Takes out control sequences (ECMA-48: CSI, OSC and the short ones) and control characters other than the tab.</summary>
    /// <param name="line">A line as the guest wrote it.</param>
    public static string Clean(string line)
    {
        if (!line.Any(char.IsControl))
            return line;
        var text = new StringBuilder(line.Length);
        for (var i = 0; i < line.Length; i++)
        {
            var c = line[i];
            if (c == Escape)
                i = EndOfSequence(line, i);
            else if (c == '\t' || !char.IsControl(c))
                text.Append(c);
        }

        return text.ToString();
    }

    /// <summary>Whether a line places its text on the screen, as menus do.</summary>
    /// <param name="line">A line as the guest wrote it.</param>
    public static bool MovesCursor(string line)
    {
        for (var i = line.IndexOf(Escape, StringComparison.Ordinal); i >= 0; i = line.IndexOf(Escape, i + 1))
        {
            if (line[EndOfSequence(line, i)] is 'H' or 'f')
                return true;
        }

        return false;
    }

    /// <summary>The index of a sequence's last character.</summary>
    private static int EndOfSequence(string line, int start)
    {
        var i = start + 1;
        if (i >= line.Length)
            return start;
        switch (line[i])
        {
            case '[':
                for (i++; i < line.Length && line[i] is < '@' or > '~'; i++)
                    ;
                break;
            case ']':
                for (i++; i < line.Length && line[i] is not ('\a' or Escape); i++)
                    ;
                break;
            case '(' or ')' or '#':
                i++;
                break;
        }

        return Math.Min(i, line.Length - 1);
    }
}
