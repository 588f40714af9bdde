namespace AzureIaaS.Local.Networking.Sites;

/// <summary>What the IKE daemon's messages mean for whoever joins the two networks, with what to do about it. Pure.</summary>
internal static class SiteTrouble
{
    /// <summary>What a message means.</summary>
    /// <param name="message">The daemon's message.</param>
    /// <param name="site">The site it is about.</param>
    /// <returns>The sentences; null when it tells of no trouble.</returns>
    public static string? Of(string message, Site site)
    {
        if (Has("AUTHENTICATION_FAILED") || Has("MAC mismatched") || Has("no shared key found"))
        {
            return $"The two gateways do not prove to each other who they are: their shared keys differ, or one expects another identity than {site.LocalAddress} or {site.GatewayAddress}. "
                + "Put the key of Get-IaaSSiteConfiguration -IncludeSecret on the site's gateway.";
        }

        if (Has("NO_PROPOSAL_CHOSEN") || Has("no acceptable proposal found") || Has("no matching proposal found"))
        {
            return $"The site's gateway does not accept the ciphers: IKE {site.Policy.IkeProposal}, ESP {site.Policy.EspProposal}. "
                + "Set the same ones there, as Get-IaaSSiteConfiguration shows them.";
        }

        if (Has("TS_UNACCEPTABLE") || Has("no acceptable traffic selectors"))
        {
            return $"The gateways do not agree on the subnets of the tunnel: here the site has {string.Join(", ", site.Subnets)}. "
                + "Set the same ones on its gateway, as Get-IaaSSiteConfiguration shows them.";
        }

        if (Has("giving up after") || Has("peer not responding"))
        {
            return $"The site's gateway {site.GatewayAddress} does not answer. "
                + $"Check that it runs, and that firewalls on the way let UDP 500 and 4500 pass between {site.LocalAddress} and {site.GatewayAddress}.";
        }

        if (Has("does not match to") && Has("ID"))
            return $"The site's gateway calls itself by another identity than {site.GatewayAddress}. Set its IKE identity to that address.";
        if (Has("unreachable") && Has("error writing to socket"))
            return $"This computer has no route to the site's gateway {site.GatewayAddress}. Check its own network.";
        if (Has("received DELETE for IKE_SA"))
            return "The site's gateway has ended the tunnel; it is made anew. If it keeps doing that, its log says why.";
        return null;

        bool Has(string words) => message.Contains(words, StringComparison.OrdinalIgnoreCase);
    }
}
