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
        if (site.Authentication == SiteAuthentication.Certificate && OfCertificates(message, site) is { } trouble)
            return trouble;
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
        if (IsEnd(message))
            return "The site's gateway has ended the tunnel; it is made anew. If it keeps doing that, its log says why.";
        return null;

        bool Has(string words) => message.Contains(words, StringComparison.OrdinalIgnoreCase);
    }

    /// <summary>Whether a message says that the other gateway has ended IKE's security association: the tunnel's, or one that has been replaced.</summary>
    /// <param name="message">The daemon's message.</param>
    public static bool IsEnd(string message) => message.Contains("received DELETE for IKE_SA", StringComparison.OrdinalIgnoreCase);

    /// <summary>Whether a message only says that something is wrong with a certificate, when one before it has said what.</summary>
    /// <param name="message">The daemon's message.</param>
    public static bool IsVague(string message) => message.Contains("no trusted", StringComparison.OrdinalIgnoreCase);

    private static string? OfCertificates(string message, Site site)
    {
        var identity = site.GatewayIdentity ?? site.GatewayAddress;
        if (Has("subject certificate invalid") || Has("issuer certificate invalid"))
        {
            return $"The certificate of the site's gateway has expired, or is not valid yet ({message[(message.IndexOf('(', StringComparison.Ordinal) + 1)..].TrimEnd(')')}). "
                + "Put one that is valid on it, and check the clocks of both gateways.";
        }

        if (Has("certificate was revoked"))
        {
            return $"The certificate of the site's gateway was revoked{message[(message.IndexOf("revoked", StringComparison.Ordinal) + "revoked".Length)..]}. "
                + "If the site's administrators know of it, have another certificate issued and put it on the gateway; if they do not, somebody else may have its key.";
        }

        if (Has("CRL_VALIDATION"))
        {
            return $"Whether the certificate of the site's gateway was revoked cannot be told: {site.RevocationList} must hold the present list of {site.CaCertificate?.Subject}, who must have issued that certificate itself. "
                + "Put the present list there, and on the gateway a certificate of that issuer's own.";
        }

        if (Has("no issuer certificate found") || Has("CA certificate required") || Has("requires a CA"))
        {
            return $"The certificate of the site's gateway is not issued by {site.CaCertificate?.Subject}. "
                + "Put one on it that is, or make the site anew with its issuer's certificate as -CaCertificate.";
        }

        if (Has("constraint check failed") || Has("constraint requires") || IsVague(message))
        {
            return $"The site's gateway does not prove that it is {identity}. "
                + $"Put a certificate for {identity} on it that {site.CaCertificate?.Subject} has issued, and set its IKE identity to that; or make the site anew with its own identity as -GatewayIdentity.";
        }

        if (Has("AUTHENTICATION_FAILED"))
        {
            return $"The site's gateway does not accept this side's certificate, or one of the two is not called there as it is here: it {identity}, this side {site.LocalIdentity ?? site.LocalAddress}. "
                + $"Have it trust {site.Certificate?.Issuer}, set the identities that Get-IaaSSiteConfiguration shows, and see its log.";
        }

        return null;

        bool Has(string words) => message.Contains(words, StringComparison.OrdinalIgnoreCase);
    }
}
