using System.Buffers.Binary;

namespace AzureIaaS.Guests.Testing;

/// <summary>Where a Linux guest's root file system is on its disk: in the first partition for Linux's files.</summary>
internal static class RootPartition
{
    private const int SectorSize = 512;
    private const int MbrEntries = 446;
    private const byte MbrLinux = 0x83;
    private const int GptEntries = 2 * SectorSize;
    private const int GptEntrySize = 128;
    private const int GptEntryCount = 128;

    private static readonly Guid GptLinux = new("0FC63DAF-8483-4772-8E79-3D69D8477DE4");

    public static long FindOffset(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        var head = new byte[GptEntries + (GptEntryCount * GptEntrySize)];
        file.ReadExactly(head);
        for (var i = 0; i < 4; i++)
        {
            var entry = head.AsSpan(MbrEntries + (i * 16), 16);
            if (entry[4] == MbrLinux)
                return (long)BinaryPrimitives.ReadUInt32LittleEndian(entry[8..]) * SectorSize;
        }

        for (var i = 0; i < GptEntryCount; i++)
        {
            var entry = head.AsSpan(GptEntries + (i * GptEntrySize), GptEntrySize);
            if (new Guid(entry[..16]) == GptLinux)
                return BinaryPrimitives.ReadInt64LittleEndian(entry[32..]) * SectorSize;
        }

        throw new InvalidDataException($"The disk '{path}' has no partition with a Linux guest's files.");
    }
}
