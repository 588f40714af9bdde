using System.Net;
using System.Net.Sockets;

namespace AzureIaaS.Networks;

/// <summary>
/// The addresses of a network and who may have which. Pure: it is told what is taken. Addresses are counted as numbers, so that IPv6 needs
/// nothing but its own bounds.
/// </summary>
public sealed class AddressPool
{
    private const int LongestPrefix = 29;
    private const int ShortestPrefix = 8;

    /// <summary>The network itself, the gateway, and two for the fabric's own: the same as Azure keeps.</summary>
    private const uint KeptAtStart = 4;

    private static readonly string[] Special = ["0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/3"];

    private readonly IPNetwork _subnet;
    private readonly uint _first;
    private readonly uint _last;

    /// <summary>The pool of a subnet.</summary>
    /// <param name="subnet">The subnet as a user types it.</param>
    /// <exception cref="IaaSException">It is none that machines can be on; the message says why.</exception>
    public AddressPool(string subnet)
    {
        _subnet = Parse(subnet);
        var start = ToNumber(_subnet.BaseAddress);
        _first = start + KeptAtStart;
        _last = start + (uint)((1UL << (32 - _subnet.PrefixLength)) - 2);
    }

    /// <summary>The gateway's address: the first one.</summary>
    public IPAddress Gateway => ToAddress(_first - KeptAtStart + 1);

    /// <summary>How many addresses machines can have.</summary>
    public long Size => _last - _first + 1L;

    /// <summary>The subnet.</summary>
    public IPNetwork Subnet => _subnet;

    /// <summary>The lowest address that nobody has.</summary>
    /// <param name="taken">Whether somebody has an address.</param>
    /// <returns>The address; null when all are taken.</returns>
    public IPAddress? Next(Func<IPAddress, bool> taken)
    {
        ArgumentNullException.ThrowIfNull(taken);
        for (var number = _first; number <= _last; number++)
        {
            if (ToAddress(number) is var address && !taken(address))
                return address;
        }

        return null;
    }

    /// <summary>Checks an address that a user wants for a machine.</summary>
    /// <param name="text">The address.</param>
    /// <exception cref="IaaSException">A machine cannot have it; the message says why.</exception>
    public IPAddress Check(string text)
    {
        if (!IPAddress.TryParse(text, out var address) || address.AddressFamily != AddressFamily.InterNetwork || address.ToString() != text)
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidIPAddress", $"'{text}' is no IPv4 address.", "Give one such as 10.20.0.10 with -IPAddress.", text);
        if (!_subnet.Contains(address))
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "AddressOutsideSubnet", $"{text} is not in the network's subnet {_subnet}.",
                $"Give an address from {ToAddress(_first)} to {ToAddress(_last)}, or none to have one chosen.", text);
        }

        if (ToNumber(address) is var number && (number < _first || number > _last))
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "AddressKept", $"{text} is one of the addresses that the network {_subnet} keeps for itself.",
                $"Give an address from {ToAddress(_first)} to {ToAddress(_last)}, or none to have one chosen.", text);
        }

        return address;
    }

    /// <summary>Whether a machine can have an address: it is in the subnet, and not one of those that are kept.</summary>
    /// <param name="address">The address.</param>
    public bool IsForMachines(IPAddress address) => _subnet.Contains(address) && ToNumber(address) >= _first && ToNumber(address) <= _last;

    /// <summary>Whether two subnets have an address in common.</summary>
    /// <param name="one">One.</param>
    /// <param name="other">The other.</param>
    public static bool Overlap(IPNetwork one, IPNetwork other) =>
        one.BaseAddress.AddressFamily == other.BaseAddress.AddressFamily && (one.Contains(other.BaseAddress) || other.Contains(one.BaseAddress));

    private static IPNetwork Parse(string text)
    {
        if (IPNetwork.TryParse(text, out var subnet) && subnet.BaseAddress.AddressFamily != AddressFamily.InterNetwork)
            throw new IaaSException(ErrorKind.NotSupported, "SubnetNotSupported", $"{text}: networks have IPv4 addresses in this version.", "Give a subnet such as 10.20.0.0/24.", text);
        // Written in one way only: the runtimes differ in what else they take.
        if (text is null || subnet.ToString() != text)
        {
            var hint = text?.Split('/') is [var address, var prefix] && IPAddress.TryParse(address, out var given)
                && given.AddressFamily == AddressFamily.InterNetwork && int.TryParse(prefix, out var length) && length is >= 0 and <= 32
                ? $"Its first address must be given: {ToAddress(ToNumber(given) & Mask(length))}/{length}."
                : "Give one such as 10.20.0.0/24.";
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidSubnet", $"'{text}' is no subnet.", hint, text);
        }

        if (subnet.PrefixLength is < ShortestPrefix or > LongestPrefix)
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidSubnet", $"{text} is no size for a network.",
                $"Give a prefix from /{ShortestPrefix} to /{LongestPrefix}: 10.20.0.0/24 has room for 251 machines.", text);
        }

        if (IsSpecial(subnet))
        {
            throw new IaaSException(ErrorKind.InvalidArgument, "InvalidSubnet", $"{text} holds addresses with a meaning of their own: this host, loopback, link-local or multicast.",
                "Give a private subnet (RFC 1918): of 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16.", text);
        }

        return subnet;
    }

    private static bool IsSpecial(IPNetwork subnet) =>
        Special.Any(s => Overlap(IPNetwork.Parse(s), subnet));

    private static uint Mask(int prefix) => prefix == 0 ? 0 : uint.MaxValue << (32 - prefix);

    /// <summary>An IPv4 address as a number.</summary>
    /// <param name="address">The address.</param>
    public static uint ToNumber(IPAddress address)
    {
        ArgumentNullException.ThrowIfNull(address);
        Span<byte> bytes = stackalloc byte[4];
        _ = address.TryWriteBytes(bytes, out _);
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(bytes);
    }

    /// <summary>A number as an IPv4 address.</summary>
    /// <param name="number">The number.</param>
    public static IPAddress ToAddress(uint number)
    {
        Span<byte> bytes = stackalloc byte[4];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(bytes, number);
        return new IPAddress(bytes);
    }
}
