using System.CommandLine;
using System.IO.Enumeration;
using AzureIaaS.Networks;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Cli.Commands;

internal static class SiteCommands
{
    private const string Group = "site";
    private const string Gateway = "gateway";
    private const string StandardInput = "-";

    public static Command Create()
    {
        var command = new Command(Group, "Sites: join an enterprise's network to one of the context's.");
        command.Subcommands.Add(List());
        command.Subcommands.Add(Add());
        command.Subcommands.Add(Configuration());
        command.Subcommands.Add(Remove());
        command.Subcommands.Add(TestDomain());
        command.Subcommands.Add(RunGateway());
        return command;
    }

    /// <summary>The arguments that make this program the gateway of the sites.</summary>
    public static IReadOnlyList<string> GatewayArguments { get; } = [Group, Gateway, .. FabricCommands.UntilIdle];

    private static Command List()
    {
        var command = new Command("list", "List the sites with how it stands with their tunnels.");
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var site in await SitesOf(run).ListSitesAsync(run.Cancellation))
                Write(run, site);
        }));
        return command;
    }

    private static Command Add()
    {
        var name = new Argument<string>("name") { Description = "The site's name." };
        var network = new Option<string>("--network") { Description = "The network that it is joined to.", Required = true };
        var subnets = new Option<string[]>("--subnet") { Description = "The site's own subnets: 192.168.10.0/24.", Required = true, AllowMultipleArgumentsPerToken = true };
        var gateway = new Option<string>("--gateway-address") { Description = "The address at which the site's gateway is reached.", Required = true };
        var local = new Option<string?>("--local-address") { Description = "The address at which the site reaches this side; this computer's own when left out." };
        var keyFile = new Option<string?>("--shared-key-file") { Description = "A file with the shared key, or - for standard input; one is made when left out." };
        var suffix = new Option<string?>("--dns-suffix") { Description = "What the site's names end with." };
        var servers = new Option<string[]>("--dns-server") { Description = "The site's DNS servers, by address.", AllowMultipleArgumentsPerToken = true };
        var dpd = new Option<int?>("--dpd-timeout-seconds") { Description = "After how many silent seconds the other gateway is asked whether it is there." };
        var policy = new PolicyOptions();
        var certificate = new CertificateOptions();
        var command = new Command("add", "Join an enterprise's network to one of the context's.");
        command.Arguments.Add(name);
        foreach (var option in new Option[] { network, subnets, gateway, local, keyFile, suffix, servers, dpd }.Concat(certificate.All).Concat(policy.All))
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            var target = run.Parsed.GetValue(network)!;
            var found = await NetworkAsync(run, target);
            var site = new Site
            {
                Name = run.Parsed.GetValue(name)!,
                Network = found.Name,
                NetworkId = found.Id,
                Subnets = run.Parsed.GetValue(subnets)!,
                GatewayAddress = run.Parsed.GetValue(gateway)!,
                LocalAddress = run.Parsed.GetValue(local) ?? "",
                DnsSuffix = run.Parsed.GetValue(suffix),
                DnsServers = run.Parsed.GetValue(servers) ?? [],
                Policy = policy.Read(run.Parsed),
            };
            site.DpdTimeoutSeconds = run.Parsed.GetValue(dpd) ?? site.DpdTimeoutSeconds;
            var key = ReadSecret(run.Parsed.GetValue(keyFile));
            var credential = certificate.Read(run.Parsed, site);
            if (key is not null && credential is not null)
            {
                throw new IaaSException(ErrorKind.InvalidArgument, "TwoCredentials", "A site is joined by a shared key or by certificates, not by both.",
                    "Give either --shared-key-file, or --certificate and --ca-certificate.", site.Name);
            }

            credential ??= key is null ? null : SiteCredential.OfSharedKey(key);
            Write(run, await SitesOf(run).AddSiteAsync(site, credential, run.Notices, run.Cancellation));
        }));
        return command;
    }

    private static Command Configuration()
    {
        var name = new Argument<string>("name") { Description = "The site's name." };
        var device = new Option<SiteDevice>("--device") { Description = "What the gateway is: strongSwan, or any other, for which it is a table of parameters." };
        var path = new Option<string?>("--path") { Description = "A file that it is written to, readable by its owner alone." };
        var secret = new Option<bool>("--include-secret") { Description = "With the shared key; a placeholder stands for it otherwise." };
        var force = new Option<bool>("--force") { Description = "Replace a file that is there." };
        var command = new Command("configuration", "Say what is to be put on a site's own gateway.");
        command.Arguments.Add(name);
        foreach (var option in new Option[] { device, path, secret, force })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            var site = (await FindAsync(run, run.Parsed.GetValue(name)!))[0];
            var network = await NetworkAsync(run, site.Network);
            var key = run.Parsed.GetValue(secret) && site.Authentication == SiteAuthentication.SharedKey ? SitesOf(run).ReadSharedKey(site.Id) : null;
            var text = SiteConfiguration.Render(run.Parsed.GetValue(device), site, network, key);
            if (run.Parsed.GetValue(path) is { } file)
                SiteConfiguration.Save(Path.GetFullPath(file), text, run.Parsed.GetValue(force));
            else
                await Console.Out.WriteAsync(text);
        }));
        return command;
    }

    private static Command Remove()
    {
        var names = new Argument<string[]>("name") { Description = "The sites' names, with * and ?.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("remove", "End the tunnels of sites, and forget them with their keys.");
        command.Arguments.Add(names);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var pattern in run.Parsed.GetValue(names)!)
            {
                await run.TryAsync(async () =>
                {
                    foreach (var site in await FindAsync(run, pattern))
                        await SitesOf(run).RemoveSiteAsync(site.Id, run.Notices, run.Cancellation);
                });
            }
        }));
        return command;
    }

    private static Command TestDomain()
    {
        var domain = new Argument<string>("domain") { Description = "The domain: contoso.example." };
        var networks = new Argument<string[]>("network") { Description = "The networks' names.", Arity = ArgumentArity.OneOrMore };
        var command = new Command("domain", "Say whether machines on a network can join a domain, and what is in the way.");
        command.Arguments.Add(domain);
        command.Arguments.Add(networks);
        command.SetAction(CommandRun.Of(async run =>
        {
            foreach (var name in run.Parsed.GetValue(networks)!)
            {
                await run.TryAsync(async () =>
                {
                    var network = await NetworkAsync(run, name);
                    var facts = await SitesOf(run).LookForDomainAsync(network.Id, run.Parsed.GetValue(domain)!, run.Cancellation);
                    run.Output.Write(DomainJoinJudge.Judge(facts), CoreJson.Default.DomainJoinReport);
                });
            }
        }));
        return command;
    }

    private static Command RunGateway()
    {
        var untilIdle = new Option<bool>(FabricCommands.UntilIdleOption) { Description = "End when there are no sites." };
        var path = new Option<string?>(FabricCommands.PathOption) { Description = "The fabric's folder; the current context's when left out." };
        var hypervisor = new Option<HypervisorKind>(FabricCommands.HypervisorOption) { Description = "With --path: what runs the machines." };
        var command = new Command(Gateway, "Be the gateway of the sites, in the foreground: for a service manager; needs root. Commands start one in the background by themselves.");
        foreach (var option in new Option[] { untilIdle, path, hypervisor })
            command.Options.Add(option);
        command.SetAction(CommandRun.Of(async run =>
        {
            using var own = FabricCommands.OpenAt(run, path, hypervisor);
            if (!await ((ISiteProvider)(own ?? run.Session).Provider).RunSiteGatewayAsync(!run.Parsed.GetValue(untilIdle), run.Notices, run.Cancellation))
                run.Notices.Report(Notice.Verbose("Another process is the gateway of the sites already."));
        }));
        return command;
    }

    private static async Task<IReadOnlyList<Site>> FindAsync(CommandRun run, string pattern)
    {
        var found = (await SitesOf(run).ListSitesAsync(run.Cancellation)).Where(s => FileSystemName.MatchesSimpleExpression(pattern, s.Name)).ToList();
        return found.Count > 0 ? found
            : throw new IaaSException(ErrorKind.NotFound, "SiteNotFound", $"There is no site '{pattern}'.", "Get-IaaSSite shows those there are; New-IaaSSite makes one.", pattern);
    }

    private static async Task<VirtualNetwork> NetworkAsync(CommandRun run, string name) => await run.Ability<INetworkProvider>("networks of its own").FindNetworkAsync(name, run.Cancellation)
        ?? throw new IaaSException(ErrorKind.NotFound, "NetworkNotFound", $"There is no network '{name}'.", "Get-IaaSNetwork shows those there are; New-IaaSNetwork makes one.", name);

    /// <summary>A secret comes by a file or a pipe: arguments are everybody's to read.</summary>
    private static string? ReadSecret(string? file) => file switch
    {
        null => null,
        StandardInput => Console.In.ReadLine() ?? "",
        _ => File.ReadLines(file).FirstOrDefault() ?? "",
    };

    private static void Write(CommandRun run, Site site)
    {
        site.Context = run.Session.Context.Name;
        run.Output.Write(site, CoreJson.Default.Site);
    }

    private static ISiteProvider SitesOf(CommandRun run) => run.Ability<ISiteProvider>("sites");

    /// <summary>With what this side proves who it is, if not with a shared key.</summary>
    private sealed class CertificateOptions
    {
        private readonly Option<string?> _certificate = new("--certificate") { Description = "The file of this side's certificate: PEM, or PKCS #12 (.pfx) with its key." };
        private readonly Option<string?> _key = new("--certificate-key") { Description = "The file of its private key (PEM), where it is not in the certificate's own." };
        private readonly Option<string?> _password = new("--certificate-password-file") { Description = "A file with what the private key is encrypted with, or - for standard input." };
        private readonly Option<string?> _ca = new("--ca-certificate") { Description = "The file of the certificate of who issued the site's gateway's." };
        private readonly Option<string?> _revoked = new("--revocation-list") { Description = "The file of that issuer's list of revoked certificates: a gateway whose certificate is on it is refused." };
        private readonly Option<string?> _identity = new("--gateway-identity") { Description = "By what the site's gateway identifies itself; its address when left out." };

        public IEnumerable<Option> All => [_certificate, _key, _password, _ca, _revoked, _identity];

        public SiteCredential? Read(ParseResult parsed, Site site)
        {
            var (certificate, ca) = (parsed.GetValue(_certificate), parsed.GetValue(_ca));
            if (certificate is null && ca is null)
                return null;
            if (certificate is null || ca is null)
            {
                throw new IaaSException(ErrorKind.InvalidArgument, "CertificateAlone", "A site by certificates needs this side's own and that of who issued the other's.",
                    "Give both -Certificate and -CaCertificate.", site.Name);
            }

            site.GatewayIdentity = parsed.GetValue(_identity);
            // The gateway reads the list again, from wherever it runs.
            var revoked = parsed.GetValue(_revoked) is { } list ? Path.GetFullPath(list) : null;
            return CertificateFile.Read(new CertificateFiles(certificate, parsed.GetValue(_key), ca, revoked), ReadSecret(parsed.GetValue(_password)), site, TimeProvider.System.GetUtcNow());
        }
    }

    /// <summary>What both gateways must agree on.</summary>
    private sealed class PolicyOptions
    {
        private readonly Option<IkeEncryption?> _ikeEncryption = new("--ike-encryption") { Description = "How IKE messages are encrypted." };
        private readonly Option<IkeIntegrity?> _ikeIntegrity = new("--ike-integrity") { Description = "How IKE messages are authenticated." };
        private readonly Option<DhGroup?> _dhGroup = new("--dh-group") { Description = "The group of IKE's key exchange." };
        private readonly Option<IpsecEncryption?> _ipsecEncryption = new("--ipsec-encryption") { Description = "How packets are encrypted." };
        private readonly Option<IpsecIntegrity?> _ipsecIntegrity = new("--ipsec-integrity") { Description = "How packets are authenticated, where their encryption does not do it." };
        private readonly Option<PfsGroup?> _pfsGroup = new("--pfs-group") { Description = "The group of the packets' key exchange." };
        private readonly Option<int?> _saLifetime = new("--sa-lifetime-seconds") { Description = "How long the packets' keys are good." };

        public IEnumerable<Option> All => [_ikeEncryption, _ikeIntegrity, _dhGroup, _ipsecEncryption, _ipsecIntegrity, _pfsGroup, _saLifetime];

        public IpsecPolicy Read(ParseResult parsed)
        {
            var usual = new IpsecPolicy();
            return new IpsecPolicy
            {
                IkeEncryption = parsed.GetValue(_ikeEncryption) ?? usual.IkeEncryption,
                IkeIntegrity = parsed.GetValue(_ikeIntegrity) ?? usual.IkeIntegrity,
                DhGroup = parsed.GetValue(_dhGroup) ?? usual.DhGroup,
                IpsecEncryption = parsed.GetValue(_ipsecEncryption) ?? usual.IpsecEncryption,
                IpsecIntegrity = parsed.GetValue(_ipsecIntegrity) ?? usual.IpsecIntegrity,
                PfsGroup = parsed.GetValue(_pfsGroup) ?? usual.PfsGroup,
                SaLifetimeSeconds = parsed.GetValue(_saLifetime) ?? usual.SaLifetimeSeconds,
            };
        }
    }
}
