using System.Runtime.InteropServices;

namespace AzureIaaS;

/// <summary>Libraries of the system that are used where they are there.</summary>
internal static class SystemLibrary
{
    /// <summary>Loads a library under the first of its names that is known here.</summary>
    /// <param name="windows">Its names on Windows.</param>
    /// <param name="macOS">Its names on macOS.</param>
    /// <param name="others">Its names elsewhere.</param>
    /// <returns>It; zero where it is missing.</returns>
    public static IntPtr Load(string[] windows, string[] macOS, string[] others)
    {
        foreach (var name in OperatingSystem.IsWindows() ? windows : OperatingSystem.IsMacOS() ? macOS : others)
        {
            if (NativeLibrary.TryLoad(name, out var handle))
                return handle;
        }

        return IntPtr.Zero;
    }
}
