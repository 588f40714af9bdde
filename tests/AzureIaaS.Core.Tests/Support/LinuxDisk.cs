using System.Buffers.Binary;
using System.Diagnostics;

namespace AzureIaaS.Tests.Support;

/// <summary>Makes disks with a Linux on them, as far as inspection looks: files in an ext file system behind an MBR.</summary>
internal static class LinuxDisk
{
    private const int Start = 1 << 20;

    public static void Require()
    {
        Skip.IfNot(QemuTools.IsInstalled("mke2fs") || File.Exists("/sbin/mke2fs"), "mke2fs is not installed");
    }

    /// <summary>Makes an ext file system of a folder's files and returns its path.</summary>
    public static string Ext(TestFolder folder, string tree, string type, string size, params string[] more)
    {
        var path = folder[$"{type}-{Guid.NewGuid():N}.img"];
        Run("/sbin/mke2fs", ["-q", "-F", "-t", type, .. more, "-d", tree, path, size]);
        return path;
    }

    /// <summary>
    /// Makes an ext4 file system in whose journal alone lies a change: the blocks that debugfs' commands change, of a copy that they were run on. {0} in the commands is
    /// a file with the text "the new one"; in those that write the journal it is the blocks' numbers, and {1} the file with their contents.
    /// </summary>
    public static string ExtWithJournal(TestFolder folder, string tree, string[] options, string[] change, string[] journal)
    {
        var image = Ext(folder, tree, "ext4", "8M", options);
        var changed = folder["changed.img"];
        File.Copy(image, changed);
        Debugfs(folder, changed, change, folder.Write("release", "the new one"));
        var (before, after) = (File.ReadAllBytes(image), File.ReadAllBytes(changed));
        var size = 1024 << before[1024 + 24];
        var blocks = Enumerable.Range(0, before.Length / size).Where(b => !before.AsSpan(b * size, size).SequenceEqual(after.AsSpan(b * size, size))).ToList();
        Debugfs(folder, image, journal, string.Join(',', blocks), folder.Write("blocks", blocks.SelectMany(b => after[(b * size)..((b + 1) * size)]).ToArray()));
        if (blocks.Count < 3 || (File.ReadAllBytes(image)[1024 + 96] & 4) == 0)
            throw new InvalidOperationException("the journal does not need to be replayed");
        return image;
    }

    /// <summary>Puts a file system into a disk's first partition, with boot code before it.</summary>
    public static string Partitioned(TestFolder folder, string fileSystem, byte type = 0x83)
    {
        var bytes = File.ReadAllBytes(fileSystem);
        var disk = new byte[Start + bytes.Length];
        bytes.CopyTo(disk, Start);
        disk[0] = 0xEB;
        disk[446] = 0x80;
        disk[450] = type;
        BinaryPrimitives.WriteInt32LittleEndian(disk.AsSpan(454), Start / 512);
        BinaryPrimitives.WriteInt32LittleEndian(disk.AsSpan(458), bytes.Length / 512);
        disk[510] = 0x55;
        disk[511] = 0xAA;
        return folder.Write(Path.GetFileNameWithoutExtension(fileSystem) + ".raw", disk);
    }

    /// <summary>Writes the files of a small Debian into a folder.</summary>
    public static string Debian(TestFolder folder, string fstab, bool hasHyperV)
    {
        var root = folder["tree"];
        foreach (var (name, text) in new (string, string)[]
        {
            ("usr/lib/os-release", "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n"),
            ("usr/lib/modules/6.1.0-18-amd64/modules.builtin", "kernel/fs/ext4/ext4.ko\nkernel/drivers/nvme/host/nvme.ko\n"),
            ("usr/lib/modules/6.1.0-18-amd64/modules.dep", "kernel/drivers/net/virtio_net.ko.xz:\nkernel/drivers/block/virtio_blk.ko.xz: x\n"
                + (hasHyperV ? "kernel/drivers/hv/hv_vmbus.ko.xz:\nkernel/drivers/scsi/hv_storvsc.ko.xz: a\nkernel/drivers/net/hyperv/hv_netvsc.ko.xz:\n" : "")),
            ("etc/fstab", fstab),
            ("etc/network/interfaces", "auto eth0\niface eth0 inet static\n  address 192.0.2.10/24\n"),
            ("boot/grub/grub.cfg", "linux /vmlinuz root=UUID=x ro console=ttyS0\n"),
            ("usr/bin/cloud-init", "#!/bin/sh\n"),
        })
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(root, name))!);
            File.WriteAllText(Path.Combine(root, name), text);
        }

        File.CreateSymbolicLink(Path.Combine(root, "lib"), "usr/lib");
        File.CreateSymbolicLink(Path.Combine(root, "etc/os-release"), "../usr/lib/os-release");
        var elf = new byte[64];
        new byte[] { 0x7F, (byte)'E', (byte)'L', (byte)'F', 2, 1, 1 }.CopyTo(elf, 0);
        elf[18] = 62;
        File.WriteAllBytes(Path.Combine(root, "usr/bin/true"), elf);
        return root;
    }

    private static void Debugfs(TestFolder folder, string image, string[] commands, params string[] arguments)
    {
        var script = string.Concat(commands.Select(c => string.Format(System.Globalization.CultureInfo.InvariantCulture, c, arguments) + "\n"));
        Run("/sbin/debugfs", ["-w", "-f", folder.Write("commands", script), image]);
    }

    private static void Run(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var error = process.StandardError.ReadToEnd();
        process.WaitForExit();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error}");
    }
}
