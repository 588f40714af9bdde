using AzureIaaS.Guests.FileSystems;

namespace AzureIaaS.Guests;

/// <summary>A volume while it is looked at.</summary>
/// <param name="about">What is told of it.</param>
/// <param name="volume">Its bytes.</param>
internal sealed class OpenedVolume(GuestVolume about, Volume volume)
{
    /// <summary>What is told of it.</summary>
    public GuestVolume About => about;

    /// <summary>Its bytes.</summary>
    public Volume Volume => volume;

    /// <summary>Its file system; null where there is none or it is not read.</summary>
    public GuestFileSystem? Files { get; set; }
}
