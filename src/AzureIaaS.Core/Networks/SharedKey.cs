using System.Security.Cryptography;

namespace AzureIaaS.Networks;

/// <summary>Keys that two gateways share, within what Azure takes.</summary>
public static class SharedKey
{
    /// <summary>The longest key, in characters.</summary>
    public const int Longest = 128;

    private const int MadeBytes = 32;

    /// <summary>Makes a key that nobody can guess: 256 bits, as letters and digits alone, so that it can be typed in anywhere.</summary>
    public static string Make() => Convert.ToHexString(RandomNumberGenerator.GetBytes(MadeBytes));

    /// <summary>Checks a key. The message never holds it.</summary>
    /// <param name="key">The key.</param>
    /// <exception cref="IaaSException">No gateway would take it.</exception>
    public static string Check(string key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.Length is > 0 and <= Longest && key.All(c => c is >= ' ' and <= '~'))
            return key;
        throw new IaaSException(ErrorKind.InvalidArgument, "InvalidSharedKey", $"The shared key has {key.Length} characters, or some that cannot be typed in everywhere.",
            $"Give 1 to {Longest} printable ASCII characters, or none to have a key made.");
    }
}
