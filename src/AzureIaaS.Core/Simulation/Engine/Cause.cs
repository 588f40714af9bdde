using System.Text.Json.Serialization;

namespace AzureIaaS.Simulation;

/// <summary>What takes a machine down.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OutageCause>))]
public enum OutageCause : byte
{
    /// <summary>Its host failed.</summary>
    Host,

    /// <summary>A common cause took several hosts.</summary>
    CommonCause,

    /// <summary>Its fault domain lost power or its switch.</summary>
    FaultDomain,

    /// <summary>Its zone was lost.</summary>
    Zone,

    /// <summary>Its region was lost.</summary>
    Region,

    /// <summary>Its storage was lost.</summary>
    Storage,

    /// <summary>Its operating system crashed.</summary>
    Guest,

    /// <summary>A failure that the model told.</summary>
    Script,

    /// <summary>Planned maintenance, or the planned way back from the second region.</summary>
    Maintenance,
}

/// <summary>What a machine that is down waits for.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<OutagePhase>))]
public enum OutagePhase : byte
{
    /// <summary>Nothing: it is up.</summary>
    None,

    /// <summary>For somebody to notice.</summary>
    Detection,

    /// <summary>For its host, zone or region to come back, or for a decision to leave it.</summary>
    Repair,

    /// <summary>For its storage.</summary>
    Storage,

    /// <summary>For room on any host.</summary>
    Capacity,

    /// <summary>For machines that have to start first.</summary>
    Order,

    /// <summary>For its turn to start on its host.</summary>
    Slot,

    /// <summary>It starts.</summary>
    Boot,

    /// <summary>It is down as planned.</summary>
    Planned,
}
