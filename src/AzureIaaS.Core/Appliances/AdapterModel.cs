namespace AzureIaaS.Appliances;

/// <summary>What other hypervisors call their network adapters, in QEMU's words.</summary>
internal static class AdapterModel
{
    /// <summary>VMware's words; also those of VirtualBox's OVF files.</summary>
    /// <param name="name">The word, in any case; several may stand side by side, of which the first known counts.</param>
    /// <returns>QEMU's; null where it has none like it.</returns>
    public static string? ForVmware(string? name) => (name ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(n => n.ToUpperInvariant() switch
    {
        "E1000" => "e1000",
        "E1000E" => "e1000e",
        "VMXNET3" => "vmxnet3",
        "PCNET32" or "VLANCE" => "pcnet",
        "VIRTIO" => "virtio-net-pci",
        _ => null,
    }).FirstOrDefault(m => m is not null);

    /// <summary>VirtualBox's words.</summary>
    /// <param name="name">The word.</param>
    public static string? ForVirtualBox(string? name) => name switch
    {
        "82540EM" or "82543GC" or "82545EM" => "e1000",
        "Am79C970A" or "Am79C973" => "pcnet",
        "virtio" => "virtio-net-pci",
        _ => null,
    };

    /// <summary>libvirt's words.</summary>
    /// <param name="name">The word.</param>
    public static string? ForLibvirt(string? name) => name switch
    {
        "virtio" or "virtio-transitional" or "virtio-non-transitional" => "virtio-net-pci",
        "e1000" or "e1000e" or "rtl8139" or "pcnet" or "ne2k_pci" or "vmxnet3" => name,
        _ => null,
    };
}
