using System.Globalization;
using AzureIaaS.Readiness;

namespace AzureIaaS.Networks;

/// <summary>Judges whether machines can join a domain, of what a network finds of it. Pure: it asks nobody.</summary>
public static class DomainJoinJudge
{
    /// <summary>The TCP ports that a join needs of a controller: Kerberos, RPC, LDAP, SMB, Kerberos' passwords, global catalog.</summary>
    public static IReadOnlyList<int> Ports { get; } = [88, 135, 389, 445, 464, 3268];

    /// <summary>Without these a join fails; without the others something works worse.</summary>
    private static readonly int[] Vital = [88, 389, 445];

    private static readonly TimeSpan KerberosAllows = TimeSpan.FromMinutes(5);
    private const string Advice = "Microsoft, How to configure a firewall for Active Directory domains and trusts";

    /// <summary>Judges.</summary>
    /// <param name="facts">What was found.</param>
    public static DomainJoinReport Judge(DomainFacts facts)
    {
        ArgumentNullException.ThrowIfNull(facts);
        var findings = Names(facts).Concat(facts.Controllers.Count > 0 ? Controllers(facts) : []).OrderByDescending(f => Rank(f.Severity)).ToList();
        return new DomainJoinReport
        {
            Domain = facts.Domain,
            Network = facts.Network.Name,
            Controllers = [.. facts.Controllers.Select(c => c.HostName)],
            Findings = findings,
            Verdict = findings.Exists(f => f.Severity == ReadinessSeverity.Blocker) ? ReadinessVerdict.NotReady
                : findings.Exists(f => f.Severity == ReadinessSeverity.Unknown) ? ReadinessVerdict.Unknown
                : findings.Exists(f => f.Severity == ReadinessSeverity.Condition) ? ReadinessVerdict.ReadyWithConditions : ReadinessVerdict.Ready,
        };
    }

    private static IEnumerable<ReadinessFinding> Names(DomainFacts facts)
    {
        var suffix = facts.Network.DnsSuffix;
        if (suffix == facts.Domain)
        {
            yield return Finding(ReadinessSeverity.Blocker, "SuffixIsDomain", $"Network '{facts.Network.Name}' has the domain's own suffix {suffix}, so that its gateway answers for the domain's names, and knows none of them.",
                $"Make the network with a suffix of its own, such as cloud.{facts.Domain}, and move its machines there.", "RFC 1034, section 4.2");
            yield break;
        }

        if (!facts.IsAsked)
        {
            yield return Finding(ReadinessSeverity.Unknown, "NothingAsked", $"Nothing could be asked: no machine on network '{facts.Network.Name}' runs, so it has no switch.",
                "Start a machine on it, then try again.", "");
            yield break;
        }

        var site = facts.Sites.FirstOrDefault(s => s.DnsSuffix is { } own && (facts.Domain == own || facts.Domain.EndsWith("." + own, StringComparison.Ordinal)));
        if (site is null && facts.Controllers.Count == 0)
        {
            yield return Finding(ReadinessSeverity.Blocker, "DomainNotForwarded", $"No site of network '{facts.Network.Name}' is asked for names under {facts.Domain}.",
                $"Make the site with -DnsSuffix {facts.Domain} and -DnsServer, the address of one of the domain's controllers.", "RFC 2782");
        }
        else if (site is { State: not SiteState.Connected } && facts.Controllers.Count == 0)
        {
            yield return Finding(ReadinessSeverity.Blocker, "SiteNotConnected", $"Site '{site.Name}', which knows {facts.Domain}, is not connected. {site.LastError}".TrimEnd(),
                "Get-IaaSSite says how it stands.", "");
        }
        else if (facts.Controllers.Count == 0)
        {
            yield return Finding(ReadinessSeverity.Blocker, "NoControllers", $"The site's DNS servers {(facts.Answer is null ? "do not answer" : $"answer {facts.Answer}")} when asked for _ldap._tcp.dc._msdcs.{facts.Domain}.",
                "Name a controller's own DNS server with -DnsServer of the site, and check the domain's name.", "MS-ADTS, section 6.3.2.3");
        }
        else if (!facts.HasKerberos)
        {
            yield return Finding(ReadinessSeverity.Condition, "NoKerberos", $"The DNS servers announce no _kerberos._tcp.{facts.Domain}.",
                "Have the controllers register their records anew: nltest /dsregdns, or restart their Netlogon service.", "RFC 4120, section 7.2.3.2");
        }

        if (suffix is not null)
        {
            yield return Finding(ReadinessSeverity.Information, "DisjointName", $"Machines are known as NAME.{suffix} on the network and as NAME.{facts.Domain} in the domain.",
                $"Nothing, as a rule; a guest may be told to search both suffixes, {facts.Domain} and {suffix}.", "");
        }
    }

    private static IEnumerable<ReadinessFinding> Controllers(DomainFacts facts)
    {
        foreach (var controller in facts.Controllers)
        {
            if (controller.Address is null)
            {
                yield return Finding(Weight(facts, c => c.Address is not null), "ControllerWithoutAddress", $"Controller {controller.HostName} has no address in DNS.",
                    "Register its address, or clean up its records if it is gone.", "RFC 2782");
                continue;
            }

            if (controller.SilentPorts.Count > 0)
            {
                var isVital = controller.SilentPorts.Any(p => Vital.Contains(p));
                yield return Finding(isVital ? Weight(facts, c => c.Address is not null && !c.SilentPorts.Any(p => Vital.Contains(p))) : ReadinessSeverity.Condition, "PortsSilent",
                    $"Controller {controller.HostName} ({controller.Address}) does not answer at TCP {string.Join(", ", controller.SilentPorts)}.",
                    $"Let {facts.Network.Subnet} reach it there: the firewall of the site, and its own.", Advice);
            }

            if (controller.ClockOffset is { } offset && offset.Duration() > KerberosAllows)
            {
                yield return Finding(ReadinessSeverity.Blocker, "ClockSkew", string.Create(CultureInfo.InvariantCulture, $"The clock of {controller.HostName} is {offset.Duration().TotalMinutes:0} minutes {(offset > TimeSpan.Zero ? "ahead of" : "behind")} this computer's, which machines start with; Kerberos allows 5."),
                    "Set the clock that is wrong: have both follow the same time servers (w32tm, chrony).", "RFC 4120, section 1.6");
            }
            else if (controller.ClockOffset is null)
            {
                yield return Finding(ReadinessSeverity.Information, "ClockUnknown", $"{controller.HostName} tells no time (UDP 123).", "Check that its clock and this computer's agree within 5 minutes.", "RFC 4330");
            }
        }
    }

    /// <summary>What is wrong with one controller is in the way only where no other one is without fault.</summary>
    private static ReadinessSeverity Weight(DomainFacts facts, Func<DomainController, bool> isGood) =>
        facts.Controllers.Any(isGood) ? ReadinessSeverity.Condition : ReadinessSeverity.Blocker;

    private static int Rank(ReadinessSeverity severity) => severity switch
    {
        ReadinessSeverity.Blocker => 3,
        ReadinessSeverity.Unknown => 2,
        ReadinessSeverity.Condition => 1,
        _ => 0,
    };

    private static ReadinessFinding Finding(ReadinessSeverity severity, string rule, string message, string remedy, string source) =>
        new() { Severity = severity, Rule = rule, Message = message, Remedy = remedy, Source = source };
}
