using System.Management.Automation;
using AzureIaaS.Providers;

namespace AzureIaaS.PowerShell;

/// <summary>Where a cmdlet's work puts its results; may be called on any thread. The pipeline's or a job's.</summary>
internal interface IOutput : IProgress<Notice>
{
    /// <summary>Gives out a result.</summary>
    /// <param name="value">The result.</param>
    void Write(object value);

    /// <summary>Reports a failure that does not end the work.</summary>
    /// <param name="error">The failure.</param>
    void Error(ErrorRecord error);
}
