namespace AzureIaaS.Reports;

/// <summary>Bars made of characters, for consoles and plain text.</summary>
public static class Histogram
{
    private const string Eighths = " ▏▎▍▌▋▊▉█";

    /// <summary>Draws a bar.</summary>
    /// <param name="share">How long it is, from 0 to 1.</param>
    /// <param name="width">The characters of the longest bar.</param>
    public static string Bar(double share, int width)
    {
        var eighths = (int)Math.Round(Math.Clamp(share, 0, 1) * width * 8);
        // What is there is seen, however little it is.
        if (share > 0 && eighths == 0)
            eighths = 1;
        return new string('█', eighths / 8) + (eighths % 8 > 0 ? Eighths[eighths % 8].ToString() : "");
    }
}
