namespace AzureIaaS.Disks.Nbd;

/// <summary>The numbers of the NBD protocol (NetworkBlockDevice doc/proto.md), in its words; all are big-endian on the wire.</summary>
internal static class NbdProtocol
{
    public const ulong Magic = 0x4e42444d41474943;   // NBDMAGIC
    public const ulong OptionMagic = 0x49484156454f5054;   // IHAVEOPT
    public const ulong OptionReplyMagic = 0x3e889045565a9;
    public const uint RequestMagic = 0x25609513;
    public const uint SimpleReplyMagic = 0x67446698;

    public const ushort FixedNewstyle = 1;
    public const ushort NoZeroes = 2;

    public const uint OptionExportName = 1;
    public const uint OptionAbort = 2;
    public const uint OptionList = 3;
    public const uint OptionInfo = 6;
    public const uint OptionGo = 7;

    public const uint ReplyAck = 1;
    public const uint ReplyServer = 2;
    public const uint ReplyInfo = 3;
    public const uint ErrorUnsupported = 0x80000001;
    public const uint ErrorInvalid = 0x80000003;
    public const uint ErrorUnknownExport = 0x80000006;

    public const ushort InfoExport = 0;
    public const ushort InfoBlockSize = 3;

    public const ushort HasFlags = 1;
    public const ushort ReadOnly = 2;
    public const ushort SendFlush = 4;
    public const ushort CanMultiConnection = 256;

    public const ushort CommandRead = 0;
    public const ushort CommandWrite = 1;
    public const ushort CommandDisconnect = 2;
    public const ushort CommandFlush = 3;

    public const uint PermissionDenied = 1;   // EPERM
    public const uint InputOutputError = 5;   // EIO
    public const uint InvalidArgument = 22;   // EINVAL
}
