using System.CommandLine;
using AzureIaaS.Providers;
using AzureIaaS.Sessions;

namespace AzureIaaS.Cli.Commands;

internal static class ConnectCommand
{
    private static readonly Option<string?> Path = new("--path") { Description = "The fabric's folder; the user's own when left out." };
    private static readonly Option<HypervisorKind> Hypervisor = new("--hypervisor") { Description = "What runs the machines." };
    private static readonly Option<string?> Name = new("--name", "-n") { Description = "The context's name; local or azure when left out." };
    private static readonly Option<bool> Azure = new("--azure") { Description = "Use a resource group in Azure." };
    private static readonly Option<Guid?> Subscription = new("--subscription") { Description = "In Azure: the subscription's id.", HelpName = "id" };
    private static readonly Option<string?> ResourceGroup = new("--resource-group", "-g") { Description = "In Azure: the resource group." };
    private static readonly Option<string?> Location = new("--location", "-l") { Description = "In Azure: the region; given, it makes a group that is not there." };
    private static readonly Option<string?> Tenant = new("--tenant") { Description = "In Azure: the tenant to sign in to." };
    private static readonly Option<string> Environment = new("--environment") { Description = "In Azure: the cloud, or the address of an emulator on this computer.", DefaultValueFactory = _ => AzureScope.PublicCloud };
    private static readonly Option<AzureSignIn> SignIn = new("--sign-in") { Description = "In Azure: how to sign in; with what the tools on this computer have when left out." };
    private static readonly Option<bool> Identity = new("--identity") { Description = "In Azure: sign in as the identity of the machine that this runs on." };
    private static readonly Option<string?> ClientId = new("--client-id") { Description = "In Azure: the id of a service principal, or of a user-assigned identity." };
    private static readonly Option<string?> CertificatePath = new("--certificate-path") { Description = "In Azure: the file with the service principal's certificate." };
    private static readonly Option<string?> Subnet = new("--subnet") { Description = "In Azure: the subnet that machines are put on, by its full resource id." };

    public static Command Create()
    {
        var command = new Command("connect", "Use a local fabric, or a resource group in Azure, from now on, and remember it under a name.");
        foreach (var option in new Option[]
        {
            Path, Hypervisor, Name, Azure, Subscription, ResourceGroup, Location, Tenant, Environment, SignIn, Identity, ClientId, CertificatePath, Subnet,
        })
        {
            command.Options.Add(option);
        }

        command.Validators.Add(r =>
        {
            if (r.GetValue(Azure) && (r.GetValue(Subscription) is null || string.IsNullOrEmpty(r.GetValue(ResourceGroup))))
                r.AddError("--azure needs --subscription and --resource-group.");
        });
        command.SetAction(CommandRun.Of(RunAsync));
        return command;
    }

    private static async Task RunAsync(CommandRun run)
    {
        var context = run.Parsed.GetValue(Azure) ? AzureContext(run.Parsed) : LocalContext(run.Parsed);
        using (var session = CommandRun.Open(context))
        {
            if (session.Provider is IConnectable connectable)
                await connectable.ConnectAsync(run.Notices, run.Cancellation);
        }

        new ContextStore().Connect(context);
        run.Output.Write(context, CoreJson.Default.IaaSContext);
    }

    private static IaaSContext LocalContext(ParseResult parsed) => new()
    {
        Name = parsed.GetValue(Name) ?? IaaSContext.DefaultName,
        Path = parsed.GetValue(Path) is { } given ? System.IO.Path.GetFullPath(given) : ContextStore.Default().Path,
        Hypervisor = parsed.GetValue(Hypervisor),
    };

    private static IaaSContext AzureContext(ParseResult parsed)
    {
        var certificate = parsed.GetValue(CertificatePath);
        return ContextStore.ForAzure(parsed.GetValue(Name) ?? "azure", new AzureScope
        {
            Subscription = parsed.GetValue(Subscription)!.Value,
            ResourceGroup = parsed.GetValue(ResourceGroup)!,
            Location = parsed.GetValue(Location) ?? "",
            Tenant = parsed.GetValue(Tenant),
            Environment = parsed.GetValue(Environment)!,
            SignIn = parsed.GetValue(Identity) ? AzureSignIn.ManagedIdentity
                : certificate is not null && parsed.GetResult(SignIn) is not { Implicit: false } ? AzureSignIn.Certificate
                : parsed.GetValue(SignIn),
            ClientId = parsed.GetValue(ClientId),
            CertificatePath = certificate is null ? null : System.IO.Path.GetFullPath(certificate),
            Subnet = parsed.GetValue(Subnet),
        });
    }
}
