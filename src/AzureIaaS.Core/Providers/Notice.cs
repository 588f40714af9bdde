namespace AzureIaaS.Providers;

/// <summary>What a notice is for.</summary>
public enum NoticeKind
{
    /// <summary>A named step of the work began or went on: progress.</summary>
    Step,

    /// <summary>Something a careful user wants to know although the work succeeds.</summary>
    Warning,

    /// <summary>A detail for those who ask for details.</summary>
    Verbose,
}

/// <summary>What work in progress says to whoever asked for it; a front end shows it in its own way.</summary>
/// <param name="Kind">What it is for.</param>
/// <param name="Text">The step's name, or a sentence.</param>
/// <param name="Fraction">How much of the step is done, from 0 to 1; null where that is not known.</param>
public readonly record struct Notice(NoticeKind Kind, string Text, double? Fraction = null)
{
    /// <summary>A step that began or went on.</summary>
    /// <param name="text">The step's name.</param>
    /// <param name="fraction">How much of it is done, from 0 to 1.</param>
    public static Notice Step(string text, double? fraction = null) => new(NoticeKind.Step, text, fraction);

    /// <summary>A warning.</summary>
    /// <param name="text">The sentence.</param>
    public static Notice Warning(string text) => new(NoticeKind.Warning, text);

    /// <summary>A detail.</summary>
    /// <param name="text">The sentence.</param>
    public static Notice Verbose(string text) => new(NoticeKind.Verbose, text);
}
