namespace AzureIaaS.Failover;

/// <summary>What is looked at to say that a machine is back.</summary>
public abstract class FailoverCheck
{
    /// <summary>The check's name in reports.</summary>
    public abstract string Name { get; }

    /// <summary>How long it may take.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How it can be repeated by another process that takes the failover up; null when it cannot.</summary>
    public virtual string? Recipe => null;

    /// <summary>Checks.</summary>
    /// <param name="machine">The machine.</param>
    /// <param name="provider">Where it lives.</param>
    /// <param name="cancellation">Stops it.</param>
    /// <returns>Whether it is so, and what was seen.</returns>
    public abstract Task<(bool Succeeded, string Detail)> RunAsync(VirtualMachine machine, Providers.IVmProvider provider, CancellationToken cancellation);

    /// <summary>The check of a recipe; null for a recipe of another version.</summary>
    /// <param name="recipe">The recipe.</param>
    public static FailoverCheck? FromRecipe(string recipe)
    {
        var parts = recipe.Split('|', 3);
        if (parts.Length < 2 || !int.TryParse(parts[1], System.Globalization.CultureInfo.InvariantCulture, out var seconds))
            return null;
        var timeout = TimeSpan.FromSeconds(seconds);
        return parts[0] switch
        {
            "Process" => new ProcessCheck { Timeout = timeout },
            "SignOfLife" => new SignOfLifeCheck { Timeout = timeout },
            "Console" when parts.Length == 3 => new ConsoleCheck(parts[2]) { Timeout = timeout },
            "Agent" => new AgentCheck { Timeout = timeout },
            "Port" when parts.Length == 3 && int.TryParse(parts[2], System.Globalization.CultureInfo.InvariantCulture, out var port) => new PortCheck(port) { Timeout = timeout },
            "Ping" => new PingCheck { Timeout = timeout },
            _ => null,
        };
    }

    private protected string RecipeOf(string kind, string? argument = null) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{kind}|{(int)Timeout.TotalSeconds}") + (argument is null ? "" : "|" + argument);

    private protected async Task<(bool Succeeded, string Detail)> WaitAsync(
        VirtualMachine machine, Providers.IVmProvider provider, Providers.WaitOptions options, CancellationToken cancellation)
    {
        var result = await provider.WaitAsync(machine.Id, options with { Timeout = Timeout }, Silent.Instance, cancellation);
        return (result.Seen, result.Evidence);
    }

    private sealed class Silent : IProgress<Providers.Notice>
    {
        public static Silent Instance { get; } = new();

        public void Report(Providers.Notice value)
        {
            // The failover's own progress says what is waited for.
        }
    }
}

/// <summary>Its process runs.</summary>
public sealed class ProcessCheck : FailoverCheck
{
    /// <inheritdoc/>
    public override string Name => "Process";

    /// <inheritdoc/>
    public override string? Recipe => RecipeOf("Process");

    /// <inheritdoc/>
    public override Task<(bool Succeeded, string Detail)> RunAsync(VirtualMachine machine, Providers.IVmProvider provider, CancellationToken cancellation) =>
        WaitAsync(machine, provider, new Providers.WaitOptions { For = Providers.WaitFor.Running }, cancellation);
}

/// <summary>Its guest gives a sign of life of its own.</summary>
public sealed class SignOfLifeCheck : FailoverCheck
{
    /// <inheritdoc/>
    public override string Name => "SignOfLife";

    /// <inheritdoc/>
    public override string? Recipe => RecipeOf("SignOfLife");

    /// <inheritdoc/>
    public override Task<(bool Succeeded, string Detail)> RunAsync(VirtualMachine machine, Providers.IVmProvider provider, CancellationToken cancellation) =>
        WaitAsync(machine, provider, new Providers.WaitOptions { For = Providers.WaitFor.SignOfLife }, cancellation);
}

/// <summary>A line of its console, since the failover, matches a pattern.</summary>
/// <param name="pattern">The regular expression.</param>
public sealed class ConsoleCheck(string pattern) : FailoverCheck
{
    private readonly System.Text.RegularExpressions.Regex _pattern = new(pattern, System.Text.RegularExpressions.RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1));

    /// <inheritdoc/>
    public override string Name => $"Console '{pattern}'";

    /// <inheritdoc/>
    public override string? Recipe => RecipeOf("Console", pattern);

    /// <inheritdoc/>
    public override Task<(bool Succeeded, string Detail)> RunAsync(VirtualMachine machine, Providers.IVmProvider provider, CancellationToken cancellation) =>
        WaitAsync(machine, provider, new Providers.WaitOptions { For = Providers.WaitFor.Console, Pattern = _pattern }, cancellation);
}

/// <summary>Its guest agent answers.</summary>
public sealed class AgentCheck : FailoverCheck
{
    /// <inheritdoc/>
    public override string Name => "Agent";

    /// <inheritdoc/>
    public override string? Recipe => RecipeOf("Agent");

    /// <inheritdoc/>
    public override Task<(bool Succeeded, string Detail)> RunAsync(VirtualMachine machine, Providers.IVmProvider provider, CancellationToken cancellation) =>
        WaitAsync(machine, provider, new Providers.WaitOptions { For = Providers.WaitFor.Agent }, cancellation);
}

/// <summary>Its guest listens at a TCP port, asked on its network.</summary>
/// <param name="port">The port.</param>
public sealed class PortCheck(int port) : FailoverCheck
{
    private readonly string _port = port.ToString(System.Globalization.CultureInfo.InvariantCulture);

    /// <inheritdoc/>
    public override string Name => $"Port {_port}";

    /// <inheritdoc/>
    public override string? Recipe => RecipeOf("Port", _port);

    /// <inheritdoc/>
    public override Task<(bool Succeeded, string Detail)> RunAsync(VirtualMachine machine, Providers.IVmProvider provider, CancellationToken cancellation) =>
        WaitAsync(machine, provider, new Providers.WaitOptions { For = Providers.WaitFor.Port, Port = port }, cancellation);
}

/// <summary>Its guest answers a ping on its network.</summary>
public sealed class PingCheck : FailoverCheck
{
    /// <inheritdoc/>
    public override string Name => "Ping";

    /// <inheritdoc/>
    public override string? Recipe => RecipeOf("Ping");

    /// <inheritdoc/>
    public override Task<(bool Succeeded, string Detail)> RunAsync(VirtualMachine machine, Providers.IVmProvider provider, CancellationToken cancellation) =>
        WaitAsync(machine, provider, new Providers.WaitOptions { For = Providers.WaitFor.Ping }, cancellation);
}
