using AzureIaaS.Local.Networking.Switching;
using AzureIaaS.Local.Networking.Wire;

namespace AzureIaaS.Local.Networking.Services;

/// <summary>What a DHCP server answers, and to whom.</summary>
/// <param name="Length">The message's length; 0 for no answer.</param>
/// <param name="Address">The address it goes to; that of everybody where the client has none yet and cannot take it otherwise.</param>
/// <param name="Mac">The hardware address it goes to.</param>
/// <param name="Given">Whether the client has its address with it.</param>
internal readonly record struct DhcpAnswer(int Length, uint Address, ulong Mac, bool Given);

/// <summary>
/// Tells members their addresses (RFC 2131). Which address is whose was decided when they joined, so there is nothing to run out of and nothing to
/// forget: a member that asks for another one is refused, and asks anew. Pure: bytes in, bytes out.
/// </summary>
internal static class DhcpServer
{
    /// <summary>The port that it listens at.</summary>
    public const ushort Port = 67;

    /// <summary>The port that clients listen at.</summary>
    public const ushort ClientPort = 68;

    /// <summary>How long an address is given for, in seconds; half of it later a client asks to keep it.</summary>
    public const uint LeaseSeconds = 3600;

    private const int ShortestMessage = 300;   // RFC 1542, section 2.1
    private const uint Everybody = uint.MaxValue;

    /// <summary>Answers a message.</summary>
    /// <param name="request">The client's message.</param>
    /// <param name="from">Who sent it.</param>
    /// <param name="plan">The network.</param>
    /// <param name="answer">Receives the answer: 600 bytes at least.</param>
    public static DhcpAnswer Answer(ReadOnlySpan<byte> request, PortIdentity from, SwitchPlan plan, Span<byte> answer)
    {
        if (!DhcpMessage.TryRead(request, out var message) || message.Operation != 1 || message.Mac != from.Mac || message.RelayAddress != 0)
            return default;
        switch (message.Type)
        {
            case DhcpType.Discover:
                return Give(message, DhcpType.Offer, from, plan, answer);
            case DhcpType.Request:
                if (message.Server != 0 && message.Server != plan.Gateway.Address)
                    return default;   // it has chosen another
                var wanted = message.RequestedAddress != 0 ? message.RequestedAddress : message.ClientAddress;
                return wanted == from.Address ? Give(message, DhcpType.Ack, from, plan, answer) : Refuse(message, plan, answer);
            case DhcpType.Inform when message.ClientAddress == from.Address:
                return Give(message, DhcpType.Ack, from, plan, answer);
            default:
                return default;
        }
    }

    private static DhcpAnswer Give(DhcpMessage message, DhcpType type, PortIdentity from, SwitchPlan plan, Span<byte> answer)
    {
        var informs = message.Type == DhcpType.Inform;
        var data = answer[..600];
        message.WriteAnswer(data, informs ? 0 : from.Address);
        var options = Begin(data, type, plan);
        if (!informs)
        {
            options.Add(51, LeaseSeconds);
            options.Add(58, LeaseSeconds / 2);
            options.Add(59, LeaseSeconds / 8 * 7);
        }

        options.Add(1, plan.Mask);
        options.Add(3, plan.Gateway.Address);
        options.Add(6, plan.Gateway.Address);
        options.Add(28, plan.Subnet | ~plan.Mask);
        options.Add(26, [1500 >> 8, 1500 & 0xFF]);
        if (plan.Find(from.Address) is { HostName.Length: > 0 } member)
            options.Add(12, member.HostName);
        if (plan.DnsSuffix.Length > 0)
            options.Add(15, plan.DnsSuffix);
        options.End();
        var length = Math.Max(ShortestMessage, DhcpMessage.Fixed + options.Length);
        if (message.ClientAddress != 0)
            return new DhcpAnswer(length, message.ClientAddress, from.Mac, type == DhcpType.Ack && !informs);
        return message.WantsBroadcast
            ? new DhcpAnswer(length, Everybody, Frame.Broadcast, type == DhcpType.Ack)
            : new DhcpAnswer(length, from.Address, from.Mac, type == DhcpType.Ack);
    }

    private static DhcpAnswer Refuse(DhcpMessage message, SwitchPlan plan, Span<byte> answer)
    {
        var data = answer[..ShortestMessage];
        message.WriteAnswer(data, 0);
        data.Slice(12, 4).Clear();
        var options = Begin(data, DhcpType.Nak, plan);
        options.End();
        return new DhcpAnswer(ShortestMessage, Everybody, Frame.Broadcast, Given: false);
    }

    private static DhcpOptions Begin(Span<byte> data, DhcpType type, SwitchPlan plan)
    {
        var options = new DhcpOptions(data[DhcpMessage.Fixed..]);
        options.Add(53, [(byte)type]);
        options.Add(54, plan.Gateway.Address);
        return options;
    }
}
