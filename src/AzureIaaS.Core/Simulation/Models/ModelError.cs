namespace AzureIaaS.Simulation;

/// <summary>What is wrong with a model, with the line of its file.</summary>
internal static class ModelError
{
    /// <summary>Makes the error.</summary>
    /// <param name="file">The model's file; null when it came from parameters.</param>
    /// <param name="line">The line; 0 for none.</param>
    /// <param name="message">What is wrong, as a sentence.</param>
    /// <param name="remedy">What to do, as a sentence.</param>
    public static IaaSException At(string? file, int line, string message, string remedy)
    {
        var where = (file, line) switch
        {
            (null, _) => "",
            (_, 0) => $"{file}: ",
            _ => $"{file}, line {line}: ",
        };
        return new IaaSException(file is null ? ErrorKind.InvalidArgument : ErrorKind.InvalidData, "InvalidFleetModel", where + message, remedy, file);
    }
}
