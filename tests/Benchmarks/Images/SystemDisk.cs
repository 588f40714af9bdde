using AzureIaaS.Benchmarks.Measuring;

namespace AzureIaaS.Benchmarks.Images;

/// <summary>A raw disk with a Linux on it, as far as inspection looks: an ext4 of this machine's programs, with a release, a kernel's modules and an initramfs.</summary>
internal static class SystemDisk
{
    private const string Kernel = "6.1.0-18-amd64";
    private const int Libraries = 120;

    /// <summary>Makes the disk, sparse.</summary>
    /// <param name="path">The file.</param>
    /// <param name="length">Its length in bytes.</param>
    /// <param name="data">About how many bytes of files to put on it.</param>
    public static async Task CreateAsync(string path, long length, long data)
    {
        await FileSystemDisk.CreateAsync(path, length, data);
        var files = Directory.CreateDirectory(path + ".files").FullName;
        try
        {
            var initramfs = Path.Combine(files, "initrd");
            await WholeProcess.RunAsync(["sh", "-c", $"find /usr/lib -name '*.so*' -type f | sort | head -{Libraries} | cpio -o -H newc --quiet | gzip -1 > '{initramfs}'"]);
            string Write(string name, string text)
            {
                File.WriteAllText(Path.Combine(files, name), text);
                return Path.Combine(files, name);
            }

            var script = Write("script", $"""
                mkdir /etc
                mkdir /boot
                mkdir /lib
                mkdir /lib/modules
                mkdir /lib/modules/{Kernel}
                write {Write("release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n")} /etc/os-release
                write {Write("fstab", "/dev/sda1 / ext4 defaults 0 1\n")} /etc/fstab
                write {Write("modules", "kernel/drivers/hv/hv_vmbus.ko:\nkernel/drivers/scsi/hv_storvsc.ko:\nkernel/drivers/net/hyperv/hv_netvsc.ko:\n")} /lib/modules/{Kernel}/modules.dep
                write {initramfs} /boot/initrd.img-{Kernel}

                """);
            await WholeProcess.RunAsync(["debugfs", "-w", "-f", script, path]);
        }
        finally
        {
            Directory.Delete(files, recursive: true);
        }
    }
}
