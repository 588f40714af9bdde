namespace AzureIaaS.Guests.FileSystems;

/// <summary>A guest's file system (or what lies in it) that cannot be read, with what is wrong as half a sentence.</summary>
/// <param name="message">What is wrong.</param>
internal sealed class FileSystemException(string message) : Exception(message);
